import { readFileSync, readdirSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { TimelineCollector, type PodVersion } from '/work/main/engine/timeline/collector.ts';
const dir='/work/shared/oracle/controlplane/';
const only=process.argv[2];
const verbose=process.argv[3];
export function podVersion(o:any):PodVersion{
  const cond=(t:string)=>o.status?.conditions?.find((c:any)=>c.type===t);
  const ps=cond('PodScheduled'); const dt=cond('DisruptionTarget');
  return {phase:o.status?.phase??'Pending',node:o.spec.nodeName??'',unschedulable:ps?.status==='False'&&ps.reason==='Unschedulable',
    ready:cond('Ready')?.status??'',deleting:o.metadata.deletionTimestamp!==undefined,
    restarts:(o.status?.containerStatuses??[]).reduce((s:number,c:any)=>s+(c.restartCount??0),0),
    owner:o.metadata.ownerReferences?.find((r:any)=>r.controller)?.uid??'',finalizers:(o.metadata.finalizers??[]).join(','),
    nominated:!!o.status?.nominatedNodeName,disruption:dt?`${dt.status}:${dt.reason}`:''};
}
const tot:Record<string,number>={};
for(const f of readdirSync(dir+'timelines')){
  const name=f.slice(0,-5);
  if(only&&!new RegExp(only).test(name)) continue;
  const tl=JSON.parse(readFileSync(dir+'timelines/'+f,'utf8'));
  const lines=gunzipSync(readFileSync(dir+`raw/${name}.jsonl.gz`)).toString().trim().split('\n').map(l=>JSON.parse(l));
  const reps:any[]=[]; for(const l of lines){ if('rep' in l) reps.push({...l,entries:[]}); else reps.at(-1).entries.push(l);}
  const problems:string[]=[]; 
  reps.forEach((rep,ri)=>{ let start=0;
    const first=Math.min(...tl.steps.filter((s:any)=>s.do!=='create').map((s:any)=>s.t*1000),Infinity);
    const c=new TimelineCollector({home:rep.namespace,originUs:0,firstChangeUs:first,shared:!/^exclusive/m.test(readFileSync(dir+`scenarios/${name}.yaml`,'utf8')),given:new Set(['10.96.77.77',...(readFileSync(dir+`scenarios/${name}.yaml`,'utf8').match(/nodePort: (\d+)/g)??[]).map(x=>x.slice(10))]),startMs:(()=>{const n=rep.entries.find((e:any)=>e.object.kind==='Namespace'&&e.type==='ADDED');return Date.parse(n.object.metadata.creationTimestamp)-n.ms})()});
    rep.entries.sort((a:any,b:any)=>Number(a.object.metadata.resourceVersion)-Number(b.object.metadata.resourceVersion));
    for(const e of rep.entries){
      const o=e.object; o.kind??= o.involvedObject?'Event':'ConfigMap'; if(o.kind==='Namespace'&&e.type==='ADDED') start=Date.parse(o.metadata.creationTimestamp)-e.ms;
      if(o.kind==='Event'&&o.involvedObject){ if(e.type!=='DELETED' && !(o.reason==='RegisteredNode'&&rep.entries.some((x:any)=>x.ms<0&&x.object.kind==='Node'&&x.object.metadata.name===o.involvedObject.name))) c.event({us:Math.round(e.ms*1000),type:o.type,reason:o.reason,kind:o.involvedObject.kind,namespace:o.involvedObject.namespace??'',name:o.involvedObject.name,count:o.series?.count??o.count??1,message:o.message??''}); continue;}
      if(o.kind==='Event'||o.kind==='Lease') continue;
      const us=Math.round(e.ms*1000); const rv=Number(o.metadata.resourceVersion);
      const ch=e.type.toLowerCase() as any;
      c.baseline = us<0 && ['Namespace','Node','ConfigMap','ServiceAccount'].includes(o.kind);
      if(o.kind==='Pod'){
        const m=o.metadata; const pin=o.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms?.[0]?.matchFields?.[0]?.values?.[0]??'';
        c.pod(us,rv,ch,m.uid,podVersion(o),()=>({namespace:m.namespace,name:m.name,base:m.generateName&&m.name.startsWith(m.generateName)&&m.name.length===m.generateName.length+5?m.generateName:'',owner:podVersion(o).owner,index:m.annotations?.['batch.kubernetes.io/job-completion-index']??'',pinned:pin}));
      } else c.object(us,rv,ch,o);
    }
    const got=c.finish();
    const ev=new Map(got.events.map(e=>[`${e.o} | ${e.reason} | ${e.message}`,e.count])); const wev=new Map<string,any>(tl.events.map((e:any)=>[`${e.o} | ${e.reason} | ${e.message}`,e]));
    for(const [k,e] of wev){ if(e.n) continue; const g=ev.get(k); if(g===undefined&&e.count[1]===0) continue; if(g===undefined||g<e.count[1]||g>e.count[2]) problems.push(`r${ri} event ${k} want ${e.count} got ${g}`);} for(const k of ev.keys()) if(!wev.has(k)) problems.push(`r${ri} event extra ${k}`);
    const rows=[...got.transitions]; const mine=new Map(rows.map(r=>[`${r.o} ${r.w}=${JSON.stringify(r.v)} k${r.k??1}`,r]));
    const want=new Map<string,any>();
    for(const r of tl.transitions){ if(r.ts.length===tl.reps && r.ts[ri]!==null) want.set(`${r.o} ${r.w}=${JSON.stringify(r.v)} k${r.k??1}`,r.ts[ri]); else if(!('n' in r)) problems.push('odd ts'); }
    for(const [k,t] of want){ const m=mine.get(k); if(!m) problems.push(`r${ri} missing ${k} at ${t}`); else if(Math.abs(m.t-t)>1.01) problems.push(`r${ri} time ${k} want ${t} got ${m.t}`);}
    const partial=new Set(tl.transitions.map((r:any)=>`${r.o} ${r.w}=${JSON.stringify(r.v)} k${r.k??1}`));
    for(const [k,m] of mine) if(!partial.has(k)) problems.push(`r${ri} extra ${k} at ${m.t}`);
    for(const [o,v] of Object.entries<any>(tl.final)){ if(v.varies||v.inReps) continue; const g:any=got.final[o]; if(!g){problems.push(`r${ri} final absent ${o}`);continue;}
      for(const [f,x] of Object.entries<any>(v)) { const y=x?.varies?x.varies[ri]:x; if((g[f]??null)!==y) problems.push(`r${ri} final ${o} ${f} want ${JSON.stringify(y)} got ${g[f]}`);} 
      for(const f of Object.keys(g)) if(!(f in v)) problems.push(`r${ri} final extra ${o} ${f}=${g[f]}`);}
    for(const o of Object.keys(got.final)) if(!(o in tl.final)) problems.push(`r${ri} final extra ${o}`);
    for(const [o,v] of Object.entries<any>(tl.envelope??{})) for(const [w,lim] of Object.entries<any>(v)) for(const [s,[lo,hi]] of Object.entries<any>(lim)){ const g=(got.envelope as any)[o]?.[w]?.[s]; if(g===undefined||g<lo||g>hi) problems.push(`r${ri} env ${o} ${w} ${s} want ${lo}..${hi} got ${g}`);} 
    for(const o of Object.keys(got.envelope)) if(!(o in (tl.envelope??{}))) problems.push(`r${ri} env extra ${o}`);
  });
  if(problems.length) console.log(name,problems.length, verbose?'\n  '+problems.slice(0,Number(verbose)).join('\n  '):problems[0]);
}
