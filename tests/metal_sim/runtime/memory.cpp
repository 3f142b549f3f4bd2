#include "memory.h"

#include <sys/mman.h>

#include <algorithm>

#include "scheduler.h"

namespace {

constexpr size_t kPage = 4096, kGuard = 1 << 16;

std::mutex mutex;
std::vector<Memory> all; /* by address */
uint64_t group_number = 1;

size_t whole_pages(size_t bytes) { return (bytes + kPage - 1) & ~(kPage - 1); }

void *map(size_t bytes, int protection) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void *memory = mmap(nullptr, bytes, protection, flags, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

bool below(const Memory &memory, uintptr_t address) { return memory.high <= address; }

bool add(uintptr_t low, size_t length, bool tracked, bool adopted) {
  Memory memory = {low, low + length, nullptr, 0, tracked, adopted};
  if (msl_settings.check) {
    memory.shadow = (Cell *)map(length * sizeof(Cell), PROT_READ | PROT_WRITE);
    if (!memory.shadow) return false;
  }
  std::lock_guard<std::mutex> lock(mutex);
  memory.ordered_at = group_number;
  all.insert(std::lower_bound(all.begin(), all.end(), low, below), memory);
  return true;
}

template <class Matches>
void order(Matches matches) {
  std::lock_guard<std::mutex> lock(mutex);
  for (Memory &memory : all)
    if (matches(memory)) memory.ordered_at = group_number;
}

}  // namespace

void *msl_memory_new(size_t length, int tracked) {
  size_t body = whole_pages(length);
  char *start = (char *)map(body + 2 * kGuard, PROT_NONE);
  if (!start) return nullptr;
  char *low = start + kGuard + (body - ((length + 15) & ~size_t{15}));
  bool usable = !mprotect(start + kGuard, body, PROT_READ | PROT_WRITE);
  if (usable && add((uintptr_t)low, length, tracked, false)) return low;
  munmap(start, body + 2 * kGuard);
  return nullptr;
}

int msl_memory_adopt(void *memory, size_t length, int tracked) {
  return add((uintptr_t)memory, length, tracked, true) ? 0 : -1;
}

void msl_memory_free(void *memory) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = std::lower_bound(all.begin(), all.end(), (uintptr_t)memory, below);
  if (found == all.end() || found->low != (uintptr_t)memory) return;
  size_t length = found->high - found->low;
  if (found->shadow) munmap(found->shadow, length * sizeof(Cell));
  if (!found->adopted) {
    uintptr_t start = (found->low & ~(kPage - 1)) - kGuard;
    munmap((void *)start, whole_pages(length) + 2 * kGuard);
  }
  all.erase(found);
}

void msl_order_tracked(void) {
  order([](const Memory &memory) { return memory.tracked; });
}

void msl_order_all(void) {
  order([](const Memory &) { return true; });
}

void msl_order_memory(const void *pointer) {
  order([=](const Memory &memory) { return memory.low == (uintptr_t)pointer; });
}

bool find_memory(uintptr_t address, Memory *found) {
  std::lock_guard<std::mutex> lock(mutex);
  auto place = std::lower_bound(all.begin(), all.end(), address, below);
  if (place == all.end() || address < place->low) return false;
  *found = *place;
  return true;
}

bool find_near(uintptr_t address, Memory *found) {
  std::lock_guard<std::mutex> lock(mutex);
  for (const Memory &memory : all)
    if (address + kGuard >= memory.low && address < memory.high + kGuard) {
      *found = memory;
      return true;
    }
  return false;
}

uint64_t next_group_number() {
  std::lock_guard<std::mutex> lock(mutex);
  return group_number;
}

void count_groups(uint64_t groups) {
  std::lock_guard<std::mutex> lock(mutex);
  group_number += groups;
}
