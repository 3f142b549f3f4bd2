/* ops: recorders of the operators of ops.def. Each checks shapes, appends a node to the graph and
 * returns its output; nothing is computed. After a failure the graph's error is set, and every
 * recorder returns a harmless tensor, so networks need no error handling. */
#ifndef GRAPH_OPS_H
#define GRAPH_OPS_H

#include "graph/tensor.h"

typedef struct graph graph;

enum {
  OPS_BF16_BLOCK = 32, /* channels of a source of a product of bf16 numbers: a multiple of this */
  OPS_LATENT_CHANNELS = 16, /* most that latent_rgb takes */
  OPS_COLORS = 3
};

typedef enum op_kind {
#define OP(name, tensors, cpu, metal, tolerance) OP_##name,
#include "graph/ops.def"
#undef OP
  OP_COUNT
} op_kind;

typedef enum activation {
  ACT_NONE = 0,
  ACT_SILU,       /* x / (1 + exp(-x)) */
  ACT_GELU,       /* x/2 (1 + erf(x / sqrt 2)) */
  ACT_QUICK_GELU, /* x / (1 + exp(-1.702 x)) */
  ACT_RELU,
  ACT_TANH3, /* 3 tanh(x / 3): TAESD's clamp */
  ACT_GEGLU  /* linear only: value * gelu(gate), half as many channels out */
} activation;

/* Arguments of every op; an op reads its own. */
typedef struct op_args {
  activation
      act; /* linear, conv2d (after bias, channel add and residual), group_norm, activation */
  int32_t groups;        /* group_norm */
  float eps;             /* norms */
  int32_t heads, causal; /* attention */
  int32_t stride, pad;   /* conv2d: pad rows and columns of zeros before; after: as the size asks */
  int32_t upsample;      /* conv2d: 1: the input is first enlarged (nearest) to the output's size */
  float start, step;     /* arange */
} op_args;

/* Roles of a node's inputs. */
enum { IN_X = 0, IN_Y = 1, IN_RESIDUAL = 2, IN_CHANNEL_ADD = 3, IN_MAX = 4 };
/* attention: q, k, v, key_counts. add: x, y. latent_rgb: x, map y. group_norm and conv2d: x, second
 * source y. embedding: ids x, extra rows y. */
enum { IN_Q = 0, IN_K = 1, IN_V = 2, IN_KEY_COUNTS = 3 };
/* Roles of a node's weights. */
enum { WEIGHT_MAIN = 0, WEIGHT_BIAS = 1, WEIGHT_MAX = 2 };

/* out[i] = start + i * step, i < count; [1,1,1,count], SD_F32 or SD_I32. */
tensor *ops_arange(graph *g, float start, float step, int32_t count, sd_dtype dtype);

/* t [n,1,1,1] f32 -> [n,1,1,dim]: cos(t f_i) for i < dim/2, then sin(t f_i),
 * f_i = 10000^(-i / (dim/2)). dim is even. */
tensor *ops_timestep_embedding(graph *g, tensor *t, int32_t dim);

/* ids [n,1,w,1] or [1,1,1,w] i32 -> [n,1,w,c]: rows of table [vocabulary][c] and, from id
 * `vocabulary` on, of extra [1,1,count,c] f32 (may be NULL). An id outside both is clamped: the
 * engine checks ids before. */
tensor *ops_embedding(graph *g, tensor *ids, weight *table, tensor *extra);

/* x + y; y.n may be 1 (the same for each n). */
tensor *ops_add(graph *g, tensor *x, tensor *y);

tensor *ops_activation(graph *g, tensor *x, activation act);

/* The same numbers as SD_F32, SD_F16 or SD_BF16; x itself where nothing changes. */
tensor *ops_cast(graph *g, tensor *x, sd_dtype dtype);

/* What a preview shows of latents x [n,h,w,c], c up to OPS_LATENT_CHANNELS: x times the first c
 * rows of map [1,1,c+1,3] f32, and its last row added: [n,h,w,3] f32. */
tensor *ops_latent_rgb(graph *g, tensor *x, tensor *map);

/* Each row to mean 0 and variance 1, then * scale + shift ([c] each). */
tensor *ops_layer_norm(graph *g, tensor *x, weight *scale, weight *shift, float eps);

/* x and y (may be NULL) joined along channels; each group of channels of each n to mean 0 and
 * variance 1, then * scale + shift, then act (ACT_NONE or ACT_SILU). */
tensor *ops_group_norm(graph *g, tensor *x, tensor *y, weight *scale, weight *shift, int32_t groups,
                       float eps, activation act);

/* act(x W^T + bias + residual): x [.., k], W [out][k], bias and residual may be NULL. With
 * ACT_GEGLU, W is [2 out][k], rows [values | gates], and there is no residual. */
tensor *ops_linear(graph *g, tensor *x, weight *w, weight *bias, tensor *residual, activation act);

typedef struct conv_inputs {
  tensor *x, *y;       /* y may be NULL: a second source, joined along channels */
  weight *w, *bias;    /* [out][in][k][k], k 1 or 3; bias may be NULL */
  tensor *residual;    /* [n,oh,ow,out] or NULL */
  tensor *channel_add; /* [1 or n,1,1,out] or NULL: the time embedding */
  int32_t stride, pad; /* 1 or 2; zeros before the first row and column */
  int32_t upsample;    /* 1: nearest-enlarge the input to out_h x out_w first */
  int32_t out_h, out_w;
  activation act;
} conv_inputs;

/* act(conv(x|y) + bias + channel_add + residual), zeros outside. */
tensor *ops_conv2d(graph *g, const conv_inputs *in);

/* softmax(q k^T / sqrt(c / heads)) v for each head, without the matrix. q [n,..,c]; k, v [m,1,s,c]
 * with m dividing n: row i of q reads row i m / n. causal: token i sees keys 0..i. key_counts
 * [1,1,1,m] i32 or NULL: how many keys of each row count. */
tensor *ops_attention(graph *g, tensor *q, tensor *k, tensor *v, tensor *key_counts, int32_t heads,
                      int32_t causal);

const char *ops_name(op_kind kind);
double ops_tolerance(op_kind kind);

#endif
