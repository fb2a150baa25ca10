-- Waits from creation to the start of the container by GPUs of the pod, means over replications with their 95 % intervals.
-- A pod that never started counts with the time from its creation to the end of the run: its wait was longer.
with waits as (
  select variant, replication, label_gpus as gpus, started_s is null as never,
         coalesce(started_s, 3000) - created_s as wait
  from (select *, cast(split_part(pod, '-', 1)[2:] as int) as label_gpus from pods where created_s >= 1200)
), per_run as (
  select variant, gpus, replication, count(*) as pods, count(*) filter (where never) as never, avg(wait) as wait
  from waits group by all
)
select variant, gpus, sum(pods) as pods, sum(never) as never_started, round(avg(wait), 1) as wait_s,
       -- Student's t for 8 replications: 2.365
       round(2.365 * stddev(wait) / sqrt(count(*)), 1) as plus_minus
from per_run where gpus <> 2 group by all order by gpus, variant;
