/* arena: owns pages from the system and bump blocks; knows nothing of what they hold. */
#define _GNU_SOURCE
#include "base/arena.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ARENA_BLOCK_BYTES = 1 << 16, ARENA_ALIGNMENT = 16 };

struct arena_block {
  arena_block *previous;
  size_t used, capacity;
};

void *arena_pages(size_t bytes) {
  void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return pages == MAP_FAILED ? NULL : pages;
}

void *arena_large_pages(size_t bytes) {
  void *pages = arena_pages(bytes);
#ifdef MADV_HUGEPAGE
  if (pages) madvise(pages, bytes, MADV_HUGEPAGE); /* only a wish */
#endif
  return pages;
}

void arena_pages_free(void *pages, size_t bytes) {
  if (pages) munmap(pages, bytes);
}

void arena_fetch_mapped(const void *data, size_t bytes) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)data / page * page;
#ifdef MADV_POPULATE_READ
  const int advice = MADV_POPULATE_READ; /* one call in place of many page faults */
#else
  const int advice = MADV_WILLNEED;
#endif
  madvise((void *)begin, (uintptr_t)data + bytes - begin, advice);
}

void arena_drop_mapped(const void *mapping, size_t bytes) {
  madvise((void *)(uintptr_t)mapping, bytes, MADV_DONTNEED);
}

static size_t arena_round(size_t bytes) {
  return (bytes + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
}

void *arena_take(arena *memory, size_t bytes) {
  size_t header = arena_round(sizeof(arena_block)), needed = arena_round(bytes ? bytes : 1);
  arena_block *block = memory->last;
  if (!block || block->capacity - block->used < needed) {
    size_t capacity = header + (needed > ARENA_BLOCK_BYTES ? needed : ARENA_BLOCK_BYTES);
    block = calloc(1, capacity);
    if (!block) return NULL;
    *block = (arena_block){memory->last, header, capacity};
    memory->last = block;
  }
  void *taken = (char *)block + block->used;
  block->used += needed;
  return taken;
}

void arena_free(arena *memory) {
  while (memory->last) {
    arena_block *previous = memory->last->previous;
    free(memory->last);
    memory->last = previous;
  }
}
