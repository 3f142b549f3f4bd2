/* Checked runs. Kernels are compiled with -fsanitize=thread, but the functions that they call at
   each memory access are these: an access must be inside of a bound buffer or threadgroup variable,
   and its byte's shadow says whether another thread touched it with no barrier between. */
#include <stdio.h>
#include <string.h>

#include "scheduler.h"

namespace {

/* Who, and when: a stamp of 64 bits. Threads from kGroupThread on stand for whole simdgroups. */
constexpr int kNumberShift = 36, kThreadShift = 25, kAtomicShift = 24, kEpochShift = 12;
constexpr uint64_t kThreadMask = 0x7ff, kEpochMask = 0xfff;
constexpr uint64_t kGroupThread = 1024;

struct Stamp {
  uint64_t bits;
  uint64_t number() const { return bits >> kNumberShift; }
  uint64_t thread() const { return bits >> kThreadShift & kThreadMask; }
  bool atomic() const { return bits >> kAtomicShift & 1; }
  uint64_t epoch() const { return bits >> kEpochShift & kEpochMask; }
  uint64_t simd_epoch() const { return bits & kEpochMask; }
  uint64_t simdgroup() const {
    return thread() >= kGroupThread ? thread() - kGroupThread : thread() >> 5;
  }
};

int64_t traffic[2]; /* read, written; checked runs have one worker */

struct Access {
  uintptr_t address;
  uint32_t bytes;
  bool write, atomic;
  bool read; /* the old value counts: also in an atomic sum, which is one write */
  const void *site;
  const char *verb() const { return write ? "write" : "read"; }
};

Stamp stamp_now(bool threadgroup, bool atomic) {
  Worker &worker = *msl_worker;
  uint32_t index = msl_current->index;
  const Simdgroup &simdgroup = worker.simdgroups[index >> 5];
  uint64_t thread = worker.collective ? kGroupThread + (index >> 5) : index;
  uint64_t epoch = threadgroup ? worker.threadgroup_epoch : worker.device_epoch;
  uint64_t simd_epoch = threadgroup ? simdgroup.threadgroup_epoch : simdgroup.device_epoch;
  return {worker.number << kNumberShift | thread << kThreadShift |
          (uint64_t)atomic << kAtomicShift | (epoch & kEpochMask) << kEpochShift |
          (simd_epoch & kEpochMask)};
}

/* Whether nothing orders the two; threadgroups before `ordered_at` are done with. */
bool races(Stamp before, Stamp now, uint64_t ordered_at) {
  if (!before.bits || (before.atomic() && now.atomic())) return false;
  if (before.number() < ordered_at) return false;
  if (before.number() != now.number()) return true;
  if (before.thread() == now.thread() || before.epoch() != now.epoch()) return false;
  return before.simdgroup() != now.simdgroup() || before.simd_epoch() == now.simd_epoch();
}

[[noreturn]] void outside(const Access &access, const char *where, long at, long length) {
  char text[240];
  snprintf(text, sizeof text, "%s of %u bytes at byte %ld of %s, whose length is %ld",
           access.verb(), access.bytes, at, where, length);
  report("out of bounds", text, access.site);
  abort_group();
}

/* buffer: its name, null for threadgroup memory. */
void report_race(const Access &access, const char *buffer, long at, Stamp other, Stamp now,
                 bool wrote) {
  char who[48] = "another threadgroup or dispatch", what[96] = "threadgroup memory", text[240];
  if (buffer) snprintf(what, sizeof what, "buffer '%.60s'", buffer);
  if (other.number() == now.number() && other.thread() >= kGroupThread)
    snprintf(who, sizeof who, "simdgroup %d", (int)other.simdgroup());
  else if (other.number() == now.number())
    snprintf(who, sizeof who, "thread %d", (int)other.thread());
  const char *to = access.write ? "to" : "of";
  snprintf(text, sizeof text, "%s, byte %ld: %s %s what %s %s with no barrier between", what, at,
           access.verb(), to, who, wrote ? "wrote" : "read");
  report("race", text, access.site);
}

void touch(Cell &cell, const Access &access, const char *buffer, long at, Stamp now,
           uint64_t ordered_at) {
  Stamp writer = {cell.writer};
  if (races(writer, now, ordered_at)) report_race(access, buffer, at, writer, now, true);
  if (!access.write) {
    bool replace = !races({cell.readers[0]}, now, ordered_at);
    cell.readers[replace ? 0 : 1] = now.bits;
    return;
  }
  for (uint64_t reader : cell.readers)
    if (races({reader}, now, ordered_at)) {
      report_race(access, buffer, at, {reader}, now, false);
      break;
    }
  cell = {now.bits, {0, 0}};
}

bool inside_threadgroup_memory(const Access &access) {
  Worker &worker = *msl_worker;
  uintptr_t end = access.address + access.bytes;
  for (const Region &region : worker.regions)
    if (region.is_threadgroup && access.address >= region.low && end <= region.high) return true;
  for (const Variable &variable : worker.variables) {
    uintptr_t low = (uintptr_t)variable.address;
    if (access.address >= low && end <= low + variable.size) return true;
  }
  return false;
}

void check_threadgroup(const Access &access) {
  Worker &worker = *msl_worker;
  long at = (long)(access.address - (uintptr_t)worker.arena);
  if (!inside_threadgroup_memory(access))
    outside(access, "threadgroup memory", at, worker.arena_end);
  Stamp now = stamp_now(true, access.atomic);
  for (uint32_t i = 0; i < access.bytes; i++) {
    Cell &cell = worker.arena_shadow[at + i];
    if (access.read && !cell.writer) {
      report("uninitialized", "threadgroup memory read before any thread wrote it", access.site);
      cell.writer = now.bits;
    }
    touch(cell, access, nullptr, at + i, now, 0);
  }
}

void check_buffer(const Access &access, const Region &region) {
  long at = (long)(access.address - region.low), length = (long)(region.high - region.low);
  if (access.address + access.bytes > region.high) outside(access, region.name, at, length);
  if (access.write && !region.writable) {
    report("constant", std::string("write to constant buffer '") + region.name + "'", access.site);
    abort_group();
  }
  if (!access.atomic && !region.is_reference) traffic[access.write] += access.bytes;
  if (!region.shadow) return;
  Stamp now = stamp_now(false, access.atomic);
  for (uint32_t i = 0; i < access.bytes; i++)
    touch(region.shadow[at + i], access, region.name, at + i, now, region.ordered_at);
}

const Region *find_region(uintptr_t address) {
  Worker &worker = *msl_worker;
  for (size_t n = 0; n < worker.regions.size(); n++) {
    size_t i = (worker.last_region + n) % worker.regions.size();
    const Region &region = worker.regions[i];
    if (address < region.low || address >= region.high || region.is_threadgroup) continue;
    worker.last_region = i;
    return &region;
  }
  return nullptr;
}

void check_outside(const Access &access) {
  constexpr uintptr_t kNear = 1 << 20;
  for (const Region &region : msl_worker->regions) {
    bool near = access.address + kNear >= region.low && access.address < region.high + kNear;
    if (near && !region.is_threadgroup)
      outside(access, region.name, (long)(access.address - region.low),
              (long)(region.high - region.low));
  }
  Memory memory;
  if (find_memory(access.address, &memory)) {
    report("out of bounds", "access to a buffer that is not bound", access.site);
    abort_group();
  }
}

/* The simulator's own: stacks, built-in arguments, the library's constants. */
bool is_own(const Access &access) {
  Worker &worker = *msl_worker;
  uintptr_t a = access.address, stacks = (uintptr_t)worker.stacks;
  if (a >= stacks && a < stacks + ((uintptr_t)MSL_THREADS << 18)) return true;
  if (a >= (uintptr_t)&worker && a < (uintptr_t)(&worker + 1)) return true;
  if (a == (uintptr_t)&msl_current || a == (uintptr_t)&msl_checking) return true;
  return !access.write && a >= worker.code_low && a < worker.code_high;
}

__attribute__((noinline)) void check(const Access &access) {
  if (!msl_checking || !msl_worker || !msl_current || is_own(access)) return;
  constexpr uintptr_t kNear = 1 << 16;
  uintptr_t arena = (uintptr_t)msl_worker->arena;
  if (access.address + kNear >= arena && access.address < arena + kArenaBytes + kNear)
    check_threadgroup(access);
  else if (const Region *region = find_region(access.address))
    check_buffer(access, *region);
  else
    check_outside(access);
}

}  // namespace

#define SITE __builtin_return_address(0)

#define PLAIN(name, bytes, write)                                     \
  extern "C" void __tsan_##name(void *address) {                      \
    check({(uintptr_t)address, bytes, write, false, !(write), SITE}); \
  }
#define SIZED(bytes)                         \
  PLAIN(read##bytes, bytes, false)           \
  PLAIN(write##bytes, bytes, true)           \
  PLAIN(unaligned_read##bytes, bytes, false) \
  PLAIN(unaligned_write##bytes, bytes, true)
SIZED(1)
SIZED(2)
SIZED(4)
SIZED(8)
SIZED(16)

int64_t msl_traffic(int written) { return traffic[written != 0]; }

extern "C" {
void __tsan_init() {}
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}
void __tsan_atomic_thread_fence(int) {}

void *__tsan_memcpy(void *to, const void *from, size_t bytes) {
  check({(uintptr_t)from, (uint32_t)bytes, false, false, true, SITE});
  check({(uintptr_t)to, (uint32_t)bytes, true, false, false, SITE});
  return memcpy(to, from, bytes);
}
void *__tsan_memmove(void *to, const void *from, size_t bytes) {
  check({(uintptr_t)from, (uint32_t)bytes, false, false, true, SITE});
  check({(uintptr_t)to, (uint32_t)bytes, true, false, false, SITE});
  return memmove(to, from, bytes);
}
void *__tsan_memset(void *to, int value, size_t bytes) {
  check({(uintptr_t)to, (uint32_t)bytes, true, false, false, SITE});
  return memset(to, value, bytes);
}
}

/* Checked runs have one worker, so that plain reads and writes are atomic. */
#define CHECK_ATOMIC(T, write, read) check({(uintptr_t)address, sizeof(T), write, true, read, SITE})
#define FETCH(bits, T, name, expression)                                               \
  extern "C" T __tsan_atomic##bits##_fetch_##name(volatile T *address, T value, int) { \
    CHECK_ATOMIC(T, true, true);                                                       \
    T old = *address;                                                                  \
    *address = (T)(expression);                                                        \
    return old;                                                                        \
  }
#define ATOMIC(bits, T)                                                                    \
  extern "C" T __tsan_atomic##bits##_load(const volatile T *address, int) {                \
    CHECK_ATOMIC(T, false, true);                                                          \
    return *address;                                                                       \
  }                                                                                        \
  extern "C" void __tsan_atomic##bits##_store(volatile T *address, T value, int) {         \
    CHECK_ATOMIC(T, true, false);                                                          \
    *address = value;                                                                      \
  }                                                                                        \
  extern "C" T __tsan_atomic##bits##_exchange(volatile T *address, T value, int) {         \
    CHECK_ATOMIC(T, true, true);                                                           \
    T old = *address;                                                                      \
    *address = value;                                                                      \
    return old;                                                                            \
  }                                                                                        \
  extern "C" T __tsan_atomic##bits##_compare_exchange_val(volatile T *address, T expected, \
                                                          T value, int, int) {             \
    CHECK_ATOMIC(T, true, true);                                                           \
    T old = *address;                                                                      \
    if (old == expected) *address = value;                                                 \
    return old;                                                                            \
  }                                                                                        \
  FETCH(bits, T, add, old + value)                                                         \
  FETCH(bits, T, sub, old - value)                                                         \
  FETCH(bits, T, or, old | value)                                                          \
  FETCH(bits, T, and, old &value)                                                          \
  FETCH(bits, T, xor, old ^ value)
ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)
