-- p99 of pods' starts by rate, and where the mean start is spent, in seconds; means over three replications, the interval
-- is that of the p99 (Student's t: 4.303). Pods that had not started at the end are left out: beyond the knee the p99 is
-- that of a run of 30 s.
with per_run as (
  select nodes, rate, run, quantile_cont(watched_s - created_s, 0.99) as p99, avg(scheduled_s - created_s) as queue,
         avg(bound_s - scheduled_s) as bind, avg(started_s - bound_s) as kubelet
  from pods join runs using (run) group by all
)
select nodes, rate, round(avg(p99), 2) as p99_s, round(4.303 * stddev(p99) / sqrt(count(*)), 2) as "±",
       round(avg(queue), 3) as queue_s, round(avg(bind), 3) as bind_s, round(avg(kubelet), 3) as kubelet_s
from per_run group by all order by nodes, rate;
