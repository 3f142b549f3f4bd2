#include "scheduler.h"

#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <utility>

Settings msl_settings;
__thread msl_thread *msl_current;
__thread int msl_checking;
__thread Worker *msl_worker;

namespace {

constexpr size_t kStackBytes = 256 << 10;

/* Switches stacks: what System V x86-64 keeps over a call is pushed, the rest the caller saved. */
extern "C" void msl_switch(void **from, void *to);
asm(R"(
.text
.globl msl_switch
.hidden msl_switch
.type msl_switch, @function
msl_switch:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
.size msl_switch, .-msl_switch
)");

int index_of(const msl_thread *thread) { return (int)(thread - msl_worker->threads); }

Simdgroup &simdgroup_of(int thread) { return msl_worker->simdgroups[thread >> 5]; }

void make_ready(int thread) {
  msl_worker->states[thread] = State::kReady;
  msl_worker->ready.push(thread);
}

void make_ready(int simdgroup, uint32_t lanes, int except) {
  for (; lanes; lanes &= lanes - 1) {
    int thread = simdgroup * 32 + __builtin_ctz(lanes);
    if (thread != except) make_ready(thread);
  }
}

/* Leaves the running fiber until its thread is resumed: for the next thread that is ready, or,
   where the order is drawn, for the scheduler. */
void wait() {
  Worker &worker = *msl_worker;
  int mine = worker.fiber;
  if (msl_settings.check || worker.aborted || !worker.ready.count()) {
    msl_switch(&worker.fibers[mine], worker.scheduler);
    return;
  }
  int thread = worker.ready.pop();
  msl_current = &worker.threads[thread];
  worker.fiber = worker.fiber_of[thread];
  msl_switch(&worker.fibers[mine], worker.fibers[worker.fiber]);
}

void thread_done() {
  Worker &worker = *msl_worker;
  int thread = index_of(msl_current);
  Simdgroup &simdgroup = simdgroup_of(thread);
  worker.states[thread] = State::kDone;
  worker.done++;
  simdgroup.live &= ~(1u << (thread & 31));
  if (simdgroup.arrived && simdgroup.arrived == simdgroup.live) { /* it was the one awaited */
    int last = (thread & ~31) + __builtin_ctz(simdgroup.arrived);
    simdgroup.exchanges[simdgroup.phase].active = simdgroup.live;
    worker.is_last[last] = 1;
    make_ready(last);
  }
  if (worker.barrier_count && worker.barrier_count == worker.count - worker.done) {
    report("barrier", "threadgroup_barrier not reached by threads that have already returned",
           worker.barrier_site);
    abort_group();
  }
}

/* A fiber runs thread after thread; most kernels never wait, and need one fiber for all. */
extern "C" void msl_fiber_main() {
  for (;;) {
    Worker &worker = *msl_worker;
    worker.kernel->entry(msl_current);
    thread_done();
    if (!msl_settings.check && !worker.ready.count() && worker.next < worker.count) {
      int thread = worker.next++;
      worker.fiber_of[thread] = (int16_t)worker.fiber;
      worker.states[thread] = State::kReady;
      msl_current = &worker.threads[thread];
      continue;
    }
    worker.free_fibers[worker.free_count++] = (int16_t)worker.fiber;
    wait();
  }
}

void start_fiber(Worker &worker, int fiber) {
  char *top = worker.stacks + (size_t)(fiber + 1) * kStackBytes - 64;
  top -= (size_t)(fiber % 61) * 64; /* no two stacks on the same cache sets */
  void **stack = (void **)((uintptr_t)top & ~(uintptr_t)15);
  *--stack = nullptr;
  *--stack = (void *)msl_fiber_main;
  for (int saved = 0; saved < 6; saved++) *--stack = nullptr;
  worker.fibers[fiber] = stack;
}

void resume(Worker &worker, int thread) {
  if (worker.states[thread] == State::kNew) {
    int fiber = worker.free_count ? worker.free_fibers[--worker.free_count] : worker.fiber_count;
    if (fiber == worker.fiber_count) start_fiber(worker, worker.fiber_count++);
    worker.fiber_of[thread] = (int16_t)fiber;
  }
  worker.states[thread] = State::kReady;
  msl_current = &worker.threads[thread];
  worker.fiber = worker.fiber_of[thread];
  msl_switch(&worker.scheduler, worker.fibers[worker.fiber]);
}

void place_threads(Worker &worker, const msl_dispatch &dispatch) {
  msl_group &group = worker.group;
  int t = 0;
  for (uint32_t z = 0; z < group.size[2]; z++)
    for (uint32_t y = 0; y < group.size[1]; y++)
      for (uint32_t x = 0; x < group.size[0]; x++, t++) {
        msl_thread &thread = worker.threads[t];
        const uint32_t place[3] = {x, y, z};
        for (int d = 0; d < 3; d++) {
          thread.position_in_threadgroup[d] = place[d];
          thread.position_in_grid[d] = group.position[d] * dispatch.group[d] + place[d];
        }
        thread.index = (uint32_t)t;
        thread.lane = t & 31;
        thread.simdgroup = (uint32_t)t >> 5;
        thread.group = &group;
        worker.states[t] = State::kNew;
        worker.is_last[t] = 0;
        worker.order[t] = (uint16_t)t;
      }
}

/* Threadgroup memory that nobody has written yet. */
void forget(Worker &worker, uint32_t start, uint32_t bytes) {
  memset(worker.arena_shadow + start, 0, sizeof(Cell) * bytes);
  memset(worker.arena + start, 0xff, bytes);
}

void begin_group(Worker &worker, const msl_dispatch &dispatch, uint32_t index) {
  msl_group &group = worker.group;
  group.position[0] = index % group.groups[0];
  group.position[1] = index / group.groups[0] % group.groups[1];
  group.position[2] = index / group.groups[0] / group.groups[1];
  for (int d = 0; d < 3; d++) {
    uint32_t left = dispatch.grid[d] - group.position[d] * dispatch.group[d];
    group.size[d] = left < dispatch.group[d] ? left : dispatch.group[d];
  }
  worker.count = (int)(group.size[0] * group.size[1] * group.size[2]);
  group.simdgroups = (uint32_t)(worker.count + 31) / 32;
  place_threads(worker, dispatch);
  for (uint32_t s = 0; s < group.simdgroups; s++) {
    Simdgroup &simdgroup = worker.simdgroups[s];
    uint32_t lanes = (uint32_t)worker.count - s * 32;
    simdgroup.live = lanes >= 32 ? ~0u : (1u << lanes) - 1;
    simdgroup.arrived = simdgroup.phase = simdgroup.at_barrier = 0;
    simdgroup.device_epoch = simdgroup.threadgroup_epoch = 0;
  }
  worker.next = worker.done = worker.barrier_count = 0;
  worker.ready.first = worker.ready.end = 0;
  worker.free_count = worker.fiber_count = 0;
  worker.device_epoch = worker.threadgroup_epoch = 0;
  worker.collective = worker.aborted = false;
  worker.variables.clear();
  worker.arena_end = worker.dynamic_end;
  worker.used_bytes = worker.dynamic_bytes;
  if (!msl_settings.check) return;
  forget(worker, 0, worker.dynamic_end);
  for (uint32_t i = (uint32_t)worker.count; i > 1; i--)
    std::swap(worker.order[i - 1], worker.order[worker.random(i)]);
}

/* The next thread to run; -1: none can. */
int pick(Worker &worker) {
  uint32_t ready = worker.ready.count();
  bool fresh = worker.next < worker.count;
  if (!ready && !fresh) return -1;
  if (!msl_settings.check) return ready ? worker.ready.pop() : worker.next++;
  uint32_t chosen = worker.random(ready + fresh);
  return chosen < ready ? worker.ready.pop_at(chosen) : worker.order[worker.next++];
}

void report_deadlock(Worker &worker) {
  int at[6] = {}, one = 0;
  for (int t = 0; t < worker.count; t++) {
    at[(int)worker.states[t]]++;
    if (worker.states[t] != State::kDone) one = t;
  }
  char text[200];
  snprintf(text, sizeof text,
           "deadlock: %d threads at a simd operation, %d at simdgroup_barrier, "
           "%d at threadgroup_barrier, %d returned",
           at[(int)State::kAtSimd], at[(int)State::kAtSimdBarrier], at[(int)State::kAtBarrier],
           at[(int)State::kDone]);
  msl_current = &worker.threads[one];
  report("divergence", text, worker.waits_at[one]);
}

/* Where the kernel's library lies in memory, by way of the entry's address. */
int find_code(dl_phdr_info *info, size_t, void *argument) {
  Worker &worker = *(Worker *)argument;
  uintptr_t low = ~(uintptr_t)0, high = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    if (info->dlpi_phdr[i].p_type != PT_LOAD) continue;
    uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
    low = start < low ? start : low;
    uintptr_t end = start + info->dlpi_phdr[i].p_memsz;
    high = end > high ? end : high;
  }
  uintptr_t entry = (uintptr_t)worker.kernel->entry;
  if (entry < low || entry >= high) return 0;
  worker.code_low = low;
  worker.code_high = high;
  return 1;
}

void add_buffer_region(Worker &worker, int index, const msl_binding &binding) {
  const char *name = "?";
  bool writable = true, is_reference = false;
  for (int a = 0; a < worker.kernel->argument_count; a++) {
    const msl_argument &argument = worker.kernel->arguments[a];
    if (argument.kind != MSL_BUFFER || argument.index != index) continue;
    name = argument.name;
    writable = argument.writable;
    is_reference = argument.is_reference;
  }
  uintptr_t low = (uintptr_t)binding.base;
  for (Region &region : worker.regions)
    if (region.low == low && !region.is_threadgroup) {
      region.writable |= writable;
      return;
    }
  Memory memory = {};
  find_memory(low, &memory);
  worker.regions.push_back({low, low + binding.length, memory.shadow, memory.ordered_at, false,
                            writable, is_reference, name});
}

}  // namespace

uint32_t Worker::random(uint32_t below) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (uint32_t)(random_state >> 11) % below;
}

void report(const char *kind, const std::string &message, const void *site) {
  Worker &worker = *msl_worker;
  msl_findings.add(kind, message, site, worker.kernel, worker.group.position,
                   msl_current ? msl_current->index : 0);
}

void abort_group() {
  msl_worker->aborted = true;
  wait();
  abort(); /* nobody resumes it */
}

Worker *new_worker() {
  Worker *worker = new Worker();
  int protection = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  size_t stack_bytes = MSL_THREADS * kStackBytes;
  void *stacks = mmap(nullptr, stack_bytes, protection, flags, -1, 0);
  void *arena = mmap(nullptr, kArenaBytes, protection, flags, -1, 0);
  if (stacks == MAP_FAILED || arena == MAP_FAILED) abort();
  worker->stacks = (char *)stacks;
  worker->arena = (char *)arena;
  worker->arena_shadow = (Cell *)calloc(kArenaBytes, sizeof(Cell));
  return worker;
}

void prepare(Worker &worker, const msl_dispatch &dispatch) {
  msl_worker = &worker;
  msl_checking = msl_settings.check;
  worker.kernel = dispatch.kernel;
  worker.regions.clear();
  worker.last_region = 0;
  worker.dynamic_bytes = worker.dynamic_end = 0;
  worker.random_state = 0x9E3779B97F4A7C15ull * msl_settings.seed + 12345;
  msl_group &group = worker.group;
  for (int d = 0; d < 3; d++) {
    group.grid[d] = dispatch.grid[d];
    group.nominal_size[d] = dispatch.group[d];
    group.groups[d] = (dispatch.grid[d] + dispatch.group[d] - 1) / dispatch.group[d];
  }
  group.buffers = worker.buffers;
  group.threadgroup_memory = worker.threadgroup_memory;
  for (int i = 0; i < MSL_BUFFERS; i++) {
    const msl_binding &binding = dispatch.buffers[i];
    worker.buffers[i] = binding.base ? (char *)binding.base + binding.offset : nullptr;
    worker.threadgroup_memory[i] = nullptr;
    uint32_t bytes = dispatch.threadgroup_bytes[i];
    if (bytes) {
      char *start = worker.arena + worker.dynamic_end;
      worker.threadgroup_memory[i] = start;
      worker.dynamic_bytes += bytes;
      worker.dynamic_end += bytes + kGapBytes;
      uintptr_t low = (uintptr_t)start;
      worker.regions.push_back({low, low + bytes, nullptr, 0, true, true, false, "threadgroup"});
    }
    if (msl_settings.check && binding.base) add_buffer_region(worker, i, binding);
  }
  if (msl_settings.check) dl_iterate_phdr(find_code, &worker);
}

void run_group(Worker &worker, const msl_dispatch &dispatch, uint32_t index) {
  begin_group(worker, dispatch, index);
  while (worker.done < worker.count && !worker.aborted) {
    int thread = pick(worker);
    if (thread < 0) {
      report_deadlock(worker);
      worker.aborted = true;
    } else {
      resume(worker, thread);
    }
  }
}

/* What kernels call. */

msl_exchange *msl_exchange_begin(void) {
  Simdgroup &simdgroup = simdgroup_of(index_of(msl_current));
  return &simdgroup.exchanges[simdgroup.phase];
}

int msl_arrive(uint32_t operation, const void *site) {
  Worker &worker = *msl_worker;
  int thread = index_of(msl_current);
  Simdgroup &simdgroup = simdgroup_of(thread);
  if (!simdgroup.arrived) {
    simdgroup.operation = operation;
    simdgroup.site = site;
  } else if (simdgroup.operation != operation || (msl_settings.check && simdgroup.site != site)) {
    report("divergence",
           "lanes of one simdgroup are at different simd operations; another is at " +
               source_place(simdgroup.site),
           site);
    abort_group();
  }
  simdgroup.arrived |= 1u << (thread & 31);
  if (simdgroup.arrived == simdgroup.live) {
    simdgroup.exchanges[simdgroup.phase].active = simdgroup.live;
    return 1;
  }
  worker.states[thread] = State::kAtSimd;
  worker.waits_at[thread] = site;
  wait();
  int last = worker.is_last[thread];
  worker.is_last[thread] = 0;
  return last;
}

void msl_release(void) {
  int thread = index_of(msl_current);
  Simdgroup &simdgroup = simdgroup_of(thread);
  uint32_t lanes = simdgroup.arrived;
  simdgroup.arrived = 0;
  simdgroup.phase ^= 1;
  make_ready(thread >> 5, lanes, thread);
}

static void simdgroup_barrier(uint32_t flags) {
  Worker &worker = *msl_worker;
  int thread = index_of(msl_current);
  Simdgroup &simdgroup = simdgroup_of(thread);
  simdgroup.at_barrier |= 1u << (thread & 31);
  if (simdgroup.at_barrier != simdgroup.live) {
    worker.states[thread] = State::kAtSimdBarrier;
    wait();
    return;
  }
  uint32_t lanes = simdgroup.at_barrier;
  simdgroup.at_barrier = 0;
  simdgroup.device_epoch += flags & 1;
  simdgroup.threadgroup_epoch += flags >> 1 & 1;
  make_ready(thread >> 5, lanes, thread);
}

void msl_barrier(uint32_t flags, int simdgroup_only) {
  Worker &worker = *msl_worker;
  int thread = index_of(msl_current);
  const void *site = __builtin_return_address(0);
  worker.waits_at[thread] = site;
  if (simdgroup_only) return simdgroup_barrier(flags);
  if (worker.done) {
    report("barrier", "threadgroup_barrier not reached by threads that have already returned",
           site);
    abort_group();
  }
  if (!worker.barrier_count) {
    worker.barrier_site = site;
  } else if (msl_settings.check && worker.barrier_site != site) {
    report("divergence",
           "threads of one threadgroup are at different threadgroup_barriers; another is at " +
               source_place(worker.barrier_site),
           site);
    abort_group();
  }
  if (++worker.barrier_count < worker.count) {
    worker.states[thread] = State::kAtBarrier;
    wait();
    return;
  }
  worker.barrier_count = 0;
  worker.device_epoch += flags & 1;
  worker.threadgroup_epoch += flags >> 1 & 1;
  for (int other = 0; other < worker.count; other++)
    if (other != thread) make_ready(other);
}

void *msl_threadgroup_variable(const void *key, uint32_t size, uint32_t alignment) {
  Worker &worker = *msl_worker;
  for (const Variable &variable : worker.variables)
    if (variable.key == key) return variable.address;
  alignment = alignment < 16 ? 16 : alignment;
  uint32_t start = (worker.arena_end + alignment - 1) & ~(alignment - 1);
  worker.used_bytes += size;
  if (worker.used_bytes > MSL_THREADGROUP_BYTES || start + size > kArenaBytes) {
    report("threadgroup", "more than 32768 bytes of threadgroup memory",
           __builtin_return_address(0));
    abort_group();
  }
  worker.arena_end = start + size + kGapBytes;
  if (msl_settings.check) forget(worker, start, size);
  worker.variables.push_back({key, worker.arena + start, size});
  return worker.arena + start;
}

void msl_report(const char *kind, const char *message, const void *site) {
  report(kind, message, site);
}

void msl_collective(int on) { msl_worker->collective = on != 0; }
