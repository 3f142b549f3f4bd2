/* A worker runs threadgroups, one at a time; each thread of a threadgroup is a fiber. */
#pragma once
#include <vector>

#include "findings.h"
#include "memory.h"
#include "runtime.h"

struct Settings {
  bool check = false;
  unsigned seed = 1;
  int workers = 1;
};
extern Settings msl_settings;

enum class State : uint8_t { kNew, kReady, kAtSimd, kAtSimdBarrier, kAtBarrier, kDone };

/* Memory that the running kernel may touch, for checked runs. */
struct Region {
  uintptr_t low, high;
  Cell *shadow;
  uint64_t ordered_at;
  bool is_threadgroup, writable, is_reference;
  const char *name;
};

/* Threads that can go on, first in first out; a thread is in it once at most. */
struct ReadyRing {
  static constexpr uint32_t kSize = 2 * MSL_THREADS;
  uint16_t threads[kSize];
  uint32_t first, end;
  uint32_t count() const { return end - first; }
  void push(int thread) { threads[end++ % kSize] = (uint16_t)thread; }
  int pop() { return threads[first++ % kSize]; }
  /* Takes the n-th in place of the first. */
  int pop_at(uint32_t n) {
    std::swap(threads[(first + n) % kSize], threads[first % kSize]);
    return pop();
  }
};

struct Simdgroup {
  msl_exchange exchanges[2]; /* in turns: a slow lane may still read the last one */
  uint32_t phase, arrived, live, operation;
  const void *site;
  uint32_t at_barrier, device_epoch, threadgroup_epoch;
};

struct Variable {
  const void *key;
  char *address;
  uint32_t size;
};

/* Twice what kernels may have: an access beyond a variable falls into a gap. */
constexpr uint32_t kArenaBytes = 2 * MSL_THREADGROUP_BYTES, kGapBytes = 64;

struct Worker {
  msl_thread threads[MSL_THREADS];
  State states[MSL_THREADS];
  int16_t fiber_of[MSL_THREADS];
  uint8_t is_last[MSL_THREADS];
  const void *waits_at[MSL_THREADS];
  uint16_t order[MSL_THREADS];
  int count, next, done;
  ReadyRing ready;

  void *fibers[MSL_THREADS]; /* saved stack pointers */
  void *scheduler;
  char *stacks;
  int16_t free_fibers[MSL_THREADS];
  int free_count, fiber_count, fiber;

  Simdgroup simdgroups[MSL_THREADS / 32];
  int barrier_count;
  const void *barrier_site;
  uint32_t device_epoch, threadgroup_epoch;
  uint64_t number; /* of this threadgroup, over all dispatches */
  bool collective, aborted;

  const msl_kernel *kernel;
  msl_group group;
  void *buffers[MSL_BUFFERS], *threadgroup_memory[MSL_BUFFERS];
  char *arena;                        /* kArenaBytes: variables with gaps between them */
  uint32_t dynamic_end, arena_end;    /* where the next variable starts */
  uint32_t dynamic_bytes, used_bytes; /* without the gaps */
  std::vector<Variable> variables;
  std::vector<Region> regions;
  size_t last_region;
  Cell *arena_shadow;
  uintptr_t code_low, code_high; /* of the kernel's library: its constants */
  uint64_t random_state;

  uint32_t random(uint32_t below);
};

extern __thread Worker *msl_worker __attribute__((tls_model("initial-exec")));

Worker *new_worker();
void prepare(Worker &worker, const msl_dispatch &dispatch);
/* Runs one threadgroup; `index` is its place in the grid, x first. */
void run_group(Worker &worker, const msl_dispatch &dispatch, uint32_t index);

/* Adds a finding about the thread that runs. */
void report(const char *kind, const std::string &message, const void *site);
/* The threadgroup cannot go on: leaves the fiber for good. */
[[noreturn]] void abort_group();
