-- Time from the patch to the last new pod that is ready, and requests that failed for good, means over five replications
-- with their 95 % intervals (Student's t: 2.776).
with ready as (
  select run, max(ready_s) - 180 as rollout_s from pods where created_s >= 180 group by run
), per_run as (
  select regexp_extract(variant, '^[a-z-]+') as strategy, period, preStop, rollout_s,
         s."counters.requests.shop.failed" as failed
  from runs join ready using (run) join summary s using (run, variant)
)
select strategy, period, preStop, round(avg(rollout_s), 1) as rollout_s,
       round(2.776 * stddev(rollout_s) / sqrt(count(*)), 1) as "±",
       round(avg(failed), 1) as failed, round(2.776 * stddev(failed) / sqrt(count(*)), 1) as "± failed"
from per_run group by all order by preStop, period, rollout_s;
