/* What a compiled kernel library and the simulator's runtime know of each other. Included by both,
   and by the framework, which is Objective-C. */
#pragma once
#include <stdint.h>

#define MSL_ABI 1
#define MSL_BUFFERS 31
#define MSL_THREADS 1024
#define MSL_THREADGROUP_BYTES 32768
#define MSL_SLOT_BYTES 64 /* the widest value that a simd operation passes between lanes */
#define MSL_LIBRARY_SYMBOL "msl_library"

#ifdef __clang__
#define MSL_CONVERGENT __attribute__((convergent))
#else
#define MSL_CONVERGENT
#endif

struct msl_group;

/* One thread of the threadgroup that runs. */
struct msl_thread {
  uint32_t position_in_threadgroup[3], position_in_grid[3];
  uint32_t index, lane, simdgroup;
  struct msl_group *group;
};

/* What is the same for all threads of a threadgroup. */
struct msl_group {
  uint32_t position[3]; /* of the threadgroup in the grid */
  uint32_t size[3];     /* its threads; fewer at the edge of dispatchThreads */
  uint32_t nominal_size[3];
  uint32_t groups[3], grid[3]; /* of the dispatch: threadgroups, threads */
  uint32_t simdgroups;
  void *const *buffers;            /* MSL_BUFFERS addresses */
  void *const *threadgroup_memory; /* MSL_BUFFERS addresses */
};

/* Where the lanes of a simdgroup leave values for each other. */
struct msl_exchange {
  __attribute__((aligned(64))) unsigned char slot[32][MSL_SLOT_BYTES];
  __attribute__((aligned(64))) unsigned char result[MSL_SLOT_BYTES];
  uint32_t active; /* a bit for each lane that takes part */
};

enum msl_argument_kind { MSL_BUFFER = 1, MSL_THREADGROUP = 2, MSL_BUILTIN = 3 };

struct msl_argument {
  const char *name;
  int kind, index;
  int optional;     /* its function constant may leave it out: "?" before the name says so */
  int is_reference; /* `constant T &x`: size bytes must be there */
  int writable;
  uint32_t size, alignment; /* of the element */
};

struct msl_kernel {
  const char *name;
  void (*entry)(const struct msl_thread *);
  int argument_count;
  const struct msl_argument *arguments;
  uint32_t max_threads; /* [[max_total_threads_per_threadgroup]], 0: none */
};

struct msl_constant {
  const char *name; /* "?" first: is_function_constant_defined asks for it, so it may be unset */
  int index;
  const char *type;
  uint32_t size;
  void *value;
  unsigned char *defined;
};

struct msl_library {
  int abi;
  int kernel_count;
  const struct msl_kernel *const *kernels;
  int constant_count;
  const struct msl_constant *constants;
  const uint32_t *static_bytes; /* threadgroup variables of each kernel */
};

#ifdef __cplusplus
extern "C" {
#endif

extern __thread struct msl_thread *msl_current __attribute__((tls_model("initial-exec")));
extern __thread int msl_checking __attribute__((tls_model("initial-exec")));

/* A simd operation: each lane fills its slot of msl_exchange_begin() and calls msl_arrive, which
   returns when every live lane of the simdgroup has come to the same operation. It is 1 in the last
   one, which may fill `result` and must call msl_release. */
struct msl_exchange *msl_exchange_begin(void);
int msl_arrive(uint32_t operation, const void *site) MSL_CONVERGENT;
void msl_release(void) MSL_CONVERGENT;

void msl_barrier(uint32_t flags, int simdgroup_only) MSL_CONVERGENT;

/* A threadgroup variable of the kernel; `key` tells the declarations apart. */
void *msl_threadgroup_variable(const void *key, uint32_t size, uint32_t alignment);

/* Reports a mistake of the kernel; checked runs end the command buffer with it. */
void msl_report(const char *kind, const char *message, const void *site);

/* The memory accesses that follow are the simdgroup's (1), or the lane's own again (0). */
void msl_collective(int on);

#ifdef __cplusplus
}
#endif
