/* Buffers' memory, and for checked runs a shadow of it: who touched each byte last. */
#pragma once
#include <stdint.h>

#include <mutex>
#include <vector>

#include "runtime.h"

/* Stamps (see checker.cpp) of a byte's last writer and two of its readers since. */
struct Cell {
  uint64_t writer, readers[2];
};

struct Memory {
  uintptr_t low, high;
  Cell *shadow;        /* a cell for each byte; null in plain runs */
  uint64_t ordered_at; /* threadgroups before this number are ordered before all that comes */
  bool tracked, adopted;
};

/* The memory that holds an address; null: none. A copy, since others come and go meanwhile. */
bool find_memory(uintptr_t address, Memory *found);
/* The memory that an address misses by less than a guard. */
bool find_near(uintptr_t address, Memory *found);

/* Number of the next threadgroup to run, over all dispatches. */
uint64_t next_group_number();
void count_groups(uint64_t groups);
