/* tensor: what a value of a graph is. THE LAYOUT, written here and nowhere else:
 *
 *   activations  [n][h][w][c], c fastest (NHWC). Tokens are h = 1, w = tokens. A "row" is one
 *                pixel or token: n*h*w rows of c channels.
 *   weights      as the file has them: convolutions [out][in][kh][kw], linear [out][in]; a backend
 *                repacks them to its own order, in which taps come before channels (OHWI).
 */
#ifndef GRAPH_TENSOR_H
#define GRAPH_TENSOR_H

#include <stdint.h>

#include "engine.h"

typedef struct tensor {
  int32_t n, h, w, c;
  sd_dtype dtype;    /* SD_F32, SD_F16, SD_BF16, or SD_I32 for ids and counts */
  int32_t first_use; /* index of the node that writes it; -1: written by the host before a run */
  int32_t last_use;  /* index of the last node that reads it; INT32_MAX: read by the host after */
  int64_t offset;    /* bytes into the arena, a multiple of 64, set by plan */
} tensor;

static inline int64_t tensor_rows(const tensor *t) { return (int64_t)t->n * t->h * t->w; }
static inline int64_t tensor_count(const tensor *t) { return tensor_rows(t) * t->c; }
int64_t tensor_bytes(const tensor *t);

/* How a backend holds a weight. */
typedef enum weight_kind {
  WEIGHT_UNUSED = 0,
  WEIGHT_MATRIX, /* linear and convolution: packed to the backend's order */
  WEIGHT_GEGLU,  /* a linear whose outputs are [values | gates], interleaved when packed */
  WEIGHT_VECTOR, /* bias, norm scale and shift: f32 */
  WEIGHT_TABLE   /* embedding rows: read where they lie */
} weight_kind;

typedef struct weight {
  const char *name;
  const void *data;      /* NULL: shapes only */
  sd_dtype source_dtype; /* of data */
  sd_dtype dtype;        /* as a backend gets it: of data, or wider where adapters are added */
  int32_t rank;
  int64_t shape[4];
  const void *mapping; /* as in sd_tensor */
  int64_t mapping_bytes;
  const sd_adapter *adapters; /* [adapter_count], what is added to it before it is uploaded */
  int32_t adapter_count;
  weight_kind kind;
  int32_t out, in, kernel_h, kernel_w; /* matrices; a linear has a 1 x 1 kernel */
  int32_t in_bf16;                     /* 1: it is multiplied with bf16 numbers */
  int32_t in_blocks;                   /* 1: and with whole blocks of channels (ops.h) */
  int32_t in_phases; /* 1: and a CPU may enlarge by four convolutions of 2 x 2 sums of taps */
  void *packed;      /* the backend's, NULL until uploaded */
  int64_t packed_bytes;
  int32_t packed_in_bf16, packed_in_phases; /* in_bf16, in_phases when it was packed */
} weight;

#endif
