/* What the framework asks of the runtime: memory, and dispatches one after the other. */
#pragma once
#include <stddef.h>

#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A buffer as a kernel is given it. */
struct msl_binding {
  void *base;
  size_t length, offset;
};

struct msl_dispatch {
  const struct msl_kernel *kernel;
  struct msl_binding buffers[MSL_BUFFERS];
  uint32_t threadgroup_bytes[MSL_BUFFERS];
  uint32_t grid[3];  /* in threads */
  uint32_t group[3]; /* nominal threads of a threadgroup */
};

enum msl_fault_kind { MSL_NO_FAULT = 0, MSL_MISTAKE = 1, MSL_OUTSIDE = 2 };

/* `check`: kernels are compiled with checks and fibers run in an order drawn from `seed`. */
void msl_configure(int check, unsigned seed, int workers);
int msl_is_checking(void);

/* Runs one dispatch to its end. MSL_OUTSIDE: memory outside of buffers was touched; MSL_MISTAKE:
   another mistake was found. `text` gets the first mistakes, a line each. */
enum msl_fault_kind msl_run(const struct msl_dispatch *dispatch, char *text, size_t text_size);

/* Bytes of device memory that kernels have read or written in checked runs so far, as often as they
   did; arguments by reference and atomics do not count. */
int64_t msl_traffic(int written);

/* Pages between guard pages; the end touches the guard, to 16 bytes. NULL: no memory. `tracked`:
   encoders order what they do with it. */
void *msl_memory_new(size_t length, int tracked);
void msl_memory_free(void *memory);
/* The caller's own memory, made known to the checks, until msl_memory_free. */
int msl_memory_adopt(void *memory, size_t length, int tracked);

/* All that was dispatched so far is ordered before what comes: for tracked memory at the borders of
   encoders, for all memory at a barrier, or where the host has waited for all work. */
void msl_order_tracked(void);
void msl_order_all(void);
void msl_order_memory(const void *memory);

#ifdef __cplusplus
}
#endif
