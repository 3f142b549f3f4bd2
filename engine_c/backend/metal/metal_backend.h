/* metal backend: what its encoders see. An encoder turns one node into dispatches, by table rows
 * and views; it knows neither Objective-C nor Metal, and keeps nothing between nodes. The backend
 * tracks what the dispatches read and write, puts barriers where it must, and commits in portions.
 */
#ifndef METAL_BACKEND_H
#define METAL_BACKEND_H

#include "backend/backend.h"

/* One row of metal_kernels.def is one pipeline. */
typedef enum metal_kernel {
#define KERNEL(id, function, library, constant0, constant1) METAL_##id,
#include "backend/metal/metal_kernels.def"
#undef KERNEL
  METAL_KERNEL_COUNT
} metal_kernel;

enum {
  METAL_INPUT_MAX = 8,
  METAL_ARGS_BYTES = 4096,       /* most that metal_dispatch.args may hold */
  METAL_SCRATCH_BYTES = 64 << 20 /* of metal_scratch */
};

typedef struct metal_backend metal_backend;
typedef struct metal_buffer metal_buffer;
typedef struct metal_tuning metal_tuning; /* metal_matrix.h */

/* A range of a buffer. buffer NULL: absent; the kernel is given a buffer that it must not read. */
typedef struct metal_view {
  metal_buffer *buffer;
  int64_t offset, bytes; /* bytes: all that is touched, for hazards are told by it */
} metal_view;

typedef struct metal_dispatch {
  metal_kernel kernel;
  const void *args;               /* [[buffer(0)]], copied */
  int32_t args_bytes;             /* at most METAL_ARGS_BYTES */
  metal_view out;                 /* [[buffer(1)]] */
  metal_view in[METAL_INPUT_MAX]; /* [[buffer(2)]] and on; may name `out`'s range again */
  int32_t in_count;
  metal_view out2;             /* second written range, bound after the last input, or absent */
  int32_t out2_is_flag;        /* out2 is only written by atomics and read by the host */
  uint32_t groups[3], threads; /* threadgroups x y z of the grid; threads of one group (x) */
  int32_t threadgroup_bytes;   /* [[threadgroup(0)]], a multiple of 16, or 0 */
  double flops;                /* estimate: multiply-adds x 2, those of tiles' empty parts too */
  double read_bytes, written_bytes; /* of device memory; what a cache should hold is read once */
} metal_dispatch;

/* Sets the bytes of a dispatch that reads and writes each of its ranges once. */
void metal_count_bytes(metal_dispatch *d);

/* Records one dispatch. A missing pipeline, or one that takes fewer threads than asked for, is
 * noted: the CPU then serves the whole node. */
void metal_encode(metal_backend *m, const metal_dispatch *d);

/* Most threads of a group of this pipeline; 0: it is not there. */
int32_t metal_kernel_threads(const metal_backend *m, metal_kernel kernel);

/* Takes a pipeline out of use from now on, with nothing encoded; `why` is a constant text. */
void metal_refuse(metal_backend *m, metal_kernel kernel, const char *why);

int32_t metal_apple_family(const metal_backend *m); /* as metal_facts has it */

/* The kernel that stands for this one where numbers are stored so, or where the node has a tensor
 * in bf16; itself where there is none. metal_bf16.c */
metal_kernel metal_kernel_in(sd_dtype storage, metal_kernel kernel);
metal_kernel metal_kernel_of(const node *n, metal_kernel kernel);

metal_view metal_tensor_view(metal_backend *m, const tensor *t); /* NULL t: absent */
metal_view metal_weight_view(metal_backend *m, const weight *w); /* NULL w: absent */

/* The first `bytes` (at most METAL_SCRATCH_BYTES) of memory for what a node keeps between its
 * dispatches. Hazards apply. */
metal_view metal_scratch(metal_backend *m, int64_t bytes);

/* One atomic int: a norm does atomic_fetch_min of metal_node_index where it meets a number that is
 * not finite. To be given as out2 with out2_is_flag. */
metal_view metal_bad_node(metal_backend *m);
int32_t metal_node_index(const metal_backend *m);

/* Most FLOPs of one dispatch, about 20 ms of this GPU: an encoder cuts larger work by rows. */
double metal_dispatch_limit(const metal_backend *m);

const metal_tuning *metal_tuning_of(const metal_backend *m);

/* The encoder of an operator: the Metal column of ops.def. */
typedef void (*metal_encoder)(metal_backend *m, const node *n);
#define OP(name, tensors, cpu, encoder, tolerance) void encoder(metal_backend *m, const node *n);
#include "graph/ops.def"
#undef OP

/* ---- metal_weights.c ---- */

/* What a matrix is packed as: SD_F16, or SD_BF16 beside activations in bf16. */
sd_dtype metal_matrix_dtype(const weight *w);

/* Bytes of the weight as the kernels read it: MATRIX [out][kh][kw][in]; GEGLU [out][in] with groups
 * of 8 value and 8 gate rows in turn, zero rows to a full group; VECTOR f32; TABLE as in the file.
 */
int64_t metal_pack_bytes(const weight *w);

/* Encodes the dispatches that make `packed` of `source`, the file's bytes. */
void metal_pack(metal_backend *m, const weight *w, metal_view source, metal_view packed);

#endif
