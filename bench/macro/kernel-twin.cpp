// The C++ twin of kernel-network.ts: the same network on std::priority_queue and a switch.
// Arguments: stations customers serviceUs travelUs interarrivalUs events warmUp.
// Prints: hash, CPU seconds after the warm-up, mean pending events.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <queue>
#include <vector>

struct Event {
  int64_t time;
  uint64_t sequence;
  int32_t kind, target, arg;
};

struct Later {
  bool operator()(const Event& a, const Event& b) const {
    return a.time > b.time || (a.time == b.time && a.sequence > b.sequence);
  }
};

static std::priority_queue<Event, std::vector<Event>, Later> queue;
static int64_t now = 0;
static uint64_t sequence = 0;

static void after(int64_t delay, int32_t kind, int32_t target, int32_t arg) {
  queue.push(Event{now + delay, sequence++, kind, target, arg});
}

static uint32_t counter = 0;

static uint32_t random32() {
  counter += 0x9e3779b9u;
  uint32_t x = counter;
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  return x ^ (x >> 16);
}

static int64_t exponential(int64_t mean) {
  uint32_t u = random32();
  int64_t zeros = u == 0 ? 32 : __builtin_clz(u);
  int64_t units = zeros * 65536 + (random32() >> 16);
  return 1 + units * mean / 98304;
}

enum { SERVICE = 1, ARRIVE = 2, SOURCE = 3 };

int main(int argc, char** argv) {
  if (argc != 8) return 2;
  const int32_t stations = atoi(argv[1]), customers = atoi(argv[2]);
  const int64_t serviceUs = atoll(argv[3]), travelUs = atoll(argv[4]), interarrivalUs = atoll(argv[5]);
  const int64_t events = atoll(argv[6]), warmUp = atoll(argv[7]);

  const int32_t slots = customers + 65536;
  std::vector<int32_t> next(slots), head(stations, -1), tail(stations, -1);
  int32_t free_ = -1;
  for (int32_t c = slots - 1; c >= customers; c--) {
    next[c] = free_;
    free_ = c;
  }

  for (int32_t c = 0; c < customers; c++) {
    int64_t delay = exponential(travelUs);
    int32_t station = random32() % stations;
    after(delay, ARRIVE, station, c);
  }
  after(exponential(interarrivalUs), SOURCE, 0, 0);

  uint32_t hash = 0;
  int64_t pendingSum = 0, ran = 0;
  clock_t started = clock();
  bool stopping = false;
  while (!stopping && !queue.empty()) {
    const Event event = queue.top();
    queue.pop();
    now = event.time;
    const int32_t station = event.target;
    hash = (hash ^ (uint32_t)now) * 0x7feb352du;
    hash = (hash ^ (hash >> 15) ^ (uint32_t)(station * 4 + event.kind)) * 0x846ca68bu;
    if (++ran == warmUp) started = clock();
    if (ran == events) stopping = true;
    if ((ran & 0xffff) == 0) pendingSum += queue.size();
    switch (event.kind) {
      case SERVICE: {
        const int32_t customer = head[station], following = next[customer];
        head[station] = following;
        if (following >= 0) after(exponential(serviceUs), SERVICE, station, 0);
        else tail[station] = -1;
        if (customer >= customers && random32() % 8 == 0) {
          next[customer] = free_;
          free_ = customer;
        } else {
          int64_t delay = exponential(travelUs);
          int32_t to = random32() % stations;
          after(delay, ARRIVE, to, customer);
        }
        break;
      }
      case ARRIVE: {
        const int32_t customer = event.arg;
        next[customer] = -1;
        if (tail[station] >= 0) {
          next[tail[station]] = customer;
          tail[station] = customer;
        } else {
          head[station] = tail[station] = customer;
          after(exponential(serviceUs), SERVICE, station, 0);
        }
        break;
      }
      case SOURCE: {
        after(exponential(interarrivalUs), SOURCE, 0, 0);
        const int32_t customer = free_;
        free_ = next[customer];
        int64_t delay = exponential(travelUs);
        int32_t to = random32() % stations;
        after(delay, ARRIVE, to, customer);
        break;
      }
    }
  }
  const double cpu = double(clock() - started) / CLOCKS_PER_SEC;
  printf("%08x %.6f %lld\n", hash, cpu, (long long)(pendingSum / (ran >> 16 ? ran >> 16 : 1)));
  return 0;
}
