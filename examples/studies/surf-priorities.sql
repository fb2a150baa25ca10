-- Waits from submission to start by group of jobs, minutes. `three` is the mean over the six deals with its 95 % interval
-- (Student's t for six: 2.571); `alike` is one run.
with per_run as (
  select regexp_extract(variant, '^[a-z]+') as variant, variant as deal, namespace as "group", count(*) as jobs,
         avg(started_s - created_s) / 60 as mean, quantile_cont(started_s - created_s, 0.9) / 60 as p90,
         max(started_s - created_s) / 60 as longest
  from pods group by all
)
select variant, "group", sum(jobs) as jobs, round(avg(mean), 1) as mean_min,
       round(2.571 * stddev(mean) / sqrt(count(*)), 1) as "±", round(avg(p90), 1) as p90_min,
       round(max(longest), 0) as longest_min
from per_run group by all order by variant, mean_min;
