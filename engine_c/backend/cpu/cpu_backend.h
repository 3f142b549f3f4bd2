/* cpu backend: what its operator files share. Owns the pool, the arena and one workspace a worker;
 * knows nothing of networks. An operator is one function over one node; it splits its work with
 * threads_run and polls nothing: the pool stops handing out items when the run is cancelled, so one
 * item stays under about 20 ms. */
#ifndef CPU_BACKEND_H
#define CPU_BACKEND_H

#include "backend/backend.h"
#include "backend/cpu/cpu_isa.h"
#include "base/blocks.h"
#include "base/half.h"
#include "base/threads.h"

enum { CPU_WORKSPACE_BYTES = 4 << 20 }; /* of one worker */

typedef struct cpu_backend {
  backend base;
  thread_pool *pool;
  const cpu_isa *isa;
  char *arena;
  /* held now, read by other threads too; a borrowed arena has no bytes here */
  _Atomic int64_t arena_bytes, weight_bytes;
  char *workspaces;    /* CPU_WORKSPACE_BYTES for each worker */
  int32_t node_index;  /* the node that runs */
  atomic_int bad_node; /* first norm that met a non-finite number, or INT_MAX */
} cpu_backend;

/* threads 0: one per processor; isa -1: the best that this processor has. */
sd_status cpu_backend_open(backend **out, int32_t threads, int32_t isa, const atomic_int *stop,
                           sd_error *error);

/* Runs on `memory`, another backend's memory, from now on; NULL: on its own again. */
void cpu_backend_borrow(backend *b, void *memory);

static inline void *cpu_address(const cpu_backend *cpu, const tensor *t) {
  return cpu->arena + t->offset;
}
static inline void *cpu_workspace(const cpu_backend *cpu, int32_t worker) {
  return cpu->workspaces + (int64_t)worker * CPU_WORKSPACE_BYTES;
}

/* Numbers `first` to first + count of what `source` holds in a float or block format, as f32. */
static inline void cpu_unpack(const cpu_isa *isa, float *out, const void *source, sd_dtype dtype,
                              size_t first, size_t count) {
  const size_t bytes = half_dtype_bytes(dtype);
  if (bytes)
    isa->unpack(out, (const char *)source + first * bytes, dtype, count);
  else
    blocks_unpack(out, source, dtype, first, count);
}

/* Weights (cpu_pack.c). Vectors become f32; matrices panels of isa->panel columns, [panel][kh][kw]
 * [in][column], in the file's dtype (f32, f16, bf16, f8) or in f16 where that is a block format,
 * columns past `out` zero; tables stay. Matrices that are multiplied in bf16 become
 * [panel][kh][kw][in / 2][column][2 of in] in bf16; in phases [panel][phase][2][2] and so on. */
static inline sd_dtype cpu_matrix_dtype(const weight *w) {
  return blocks_numbers(w->dtype) ? SD_F16 : w->dtype;
}
int64_t cpu_pack_bytes(const cpu_backend *cpu, const weight *w);
void cpu_pack(cpu_backend *cpu, weight *w, void *out);
enum { CPU_PHASES = 4, CPU_PHASE_TAPS = 4 }; /* of a matrix in phases */

#define OP(name, tensors, function, metal, tolerance) \
  void function(cpu_backend *cpu, const node *n);
#include "graph/ops.def"
#undef OP

#endif
