/* Dispatches: threadgroups over workers, and faults of memory turned into findings. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <thread>

#include "scheduler.h"

namespace {

/* Threads that wait for work; made once, they live as long as the process. */
class Crew {
 public:
  /* Calls work(0) here and work(1) .. work(count - 1) in other threads, and waits for all. */
  void run(int count, const std::function<void(int)> &work) {
    while ((int)workers_.size() < count) add();
    if (count > 1) start(count, work);
    work(0);
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return busy_ == 0; });
  }
  Worker &worker(int i) { return *workers_[(size_t)i]; }

 private:
  void add() {
    workers_.push_back(new_worker());
    int number = (int)workers_.size() - 1;
    if (number) std::thread(&Crew::serve, this, number).detach();
  }
  void start(int count, const std::function<void(int)> &work) {
    std::lock_guard<std::mutex> lock(mutex_);
    work_ = work;
    wanted_ = count;
    busy_ = count - 1;
    round_++;
    changed_.notify_all();
  }
  void serve(int number) {
    for (uint64_t seen = 0;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [&] { return round_ != seen && (number < wanted_ || !busy_); });
      seen = round_;
      if (number >= wanted_ || !busy_) continue;
      std::function<void(int)> work = work_;
      lock.unlock();
      work(number);
      lock.lock();
      if (--busy_ == 0) changed_.notify_all();
    }
  }

  std::vector<Worker *> workers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void(int)> work_;
  int wanted_ = 0, busy_ = 0;
  uint64_t round_ = 0;
};

Crew &crew() {
  static Crew *one = new Crew(); /* never destroyed: its threads outlive main */
  return *one;
}

struct sigaction previous;

/* A kernel touched a guard page: its threadgroup ends, the process goes on. */
void on_memory_fault(int signal, siginfo_t *info, void *context) {
  uintptr_t address = (uintptr_t)info->si_addr;
  Memory memory;
  if (!msl_worker || !msl_current) { /* not ours */
    if (previous.sa_flags & SA_SIGINFO)
      previous.sa_sigaction(signal, info, context);
    else
      sigaction(SIGSEGV, &previous, nullptr); /* the instruction faults again, under the old rule */
    return;
  }
  char text[160] = "access to memory that is no buffer";
  if (find_near(address, &memory)) {
    bool after = address >= memory.high;
    snprintf(text, sizeof text, "access %ld bytes %s a buffer of %ld bytes",
             (long)(after ? address - memory.high : memory.low - address),
             after ? "past the end of" : "before", (long)(memory.high - memory.low));
  }
  report("out of bounds", text, nullptr);
  abort_group();
}

void catch_memory_faults() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action = {};
    action.sa_sigaction = on_memory_fault;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGSEGV, &action, &previous);
  });
}

/* One worker, threadgroups in an order drawn from the seed. */
void run_checked(const msl_dispatch &dispatch, uint32_t groups) {
  crew().run(1, [&](int) {
    Worker &worker = crew().worker(0);
    prepare(worker, dispatch);
    std::vector<uint32_t> order(groups);
    for (uint32_t i = 0; i < groups; i++) order[i] = i;
    for (uint32_t i = groups; i > 1; i--) std::swap(order[i - 1], order[worker.random(i)]);
    uint64_t first = next_group_number();
    worker.aborted = false;
    for (uint32_t i = 0; i < groups && msl_findings.count() < Findings::kMost; i++) {
      if (worker.aborted) break;
      worker.number = first + i;
      run_group(worker, dispatch, order[i]);
    }
    count_groups(groups);
  });
}

void run_plain(const msl_dispatch &dispatch, uint32_t groups) {
  std::atomic<uint32_t> next{0};
  int workers = (int)std::min<uint32_t>((uint32_t)msl_settings.workers, groups);
  crew().run(workers, [&](int number) {
    Worker &worker = crew().worker(number);
    prepare(worker, dispatch);
    for (uint32_t i; (i = next.fetch_add(1)) < groups;) {
      run_group(worker, dispatch, i);
      if (worker.aborted) next = groups;
    }
    msl_worker = nullptr;
    msl_current = nullptr;
  });
}

}  // namespace

void msl_configure(int check, unsigned seed, int workers) {
  msl_settings.check = check != 0;
  msl_settings.seed = seed ? seed : 1;
  msl_settings.workers = workers < 1 ? 1 : workers;
  catch_memory_faults();
}

int msl_is_checking(void) { return msl_settings.check; }

msl_fault_kind msl_run(const msl_dispatch *dispatch, char *text, size_t text_size) {
  uint32_t groups = 1;
  for (int d = 0; d < 3; d++)
    groups *= (dispatch->grid[d] + dispatch->group[d] - 1) / dispatch->group[d];
  msl_findings.clear();
  if (msl_settings.check)
    run_checked(*dispatch, groups);
  else
    run_plain(*dispatch, groups);
  msl_worker = nullptr;
  msl_current = nullptr;
  snprintf(text, text_size, "%s", msl_findings.text().c_str());
  return msl_findings.kind();
}

/* float to bfloat, to the nearest even: in compiler-rt, not in Debian 12's libgcc. A bfloat travels
   in xmm0, as _Float16 does. */
extern "C" _Float16 __truncsfbf2(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  bool is_nan = (bits & 0x7fffffff) > 0x7f800000;
  uint16_t high = (uint16_t)(is_nan ? bits >> 16 | 64 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  _Float16 result;
  memcpy(&result, &high, sizeof result);
  return result;
}
