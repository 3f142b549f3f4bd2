/* metal attention: encoder of attention; see metal/attention.metal. Owns the choice of the kernel
 * by the size of a head, and the cut of many queries into dispatches that end soon. */
#include <math.h>

#include "backend/metal/metal_backend.h"
#include "metal/kernel_args.h"

/* Kernels by the largest head that they take, smallest first; the last takes any. */
typedef struct attention_row {
  int32_t size;
  metal_kernel f16, f32;
  int32_t f16_queries, f32_queries; /* of one threadgroup */
} attention_row;

static const attention_row ATTENTION_ROWS[] = {
    {40, METAL_attention_f16_40, METAL_attention_f32_40, 64, 32},
    {64, METAL_attention_f16_64, METAL_attention_f32_64, 64, 32},
    {80, METAL_attention_f16_80, METAL_attention_f32_80, 64, 32},
    {160, METAL_attention_f16_160, METAL_attention_f32_160, 32, 32},
    {INT32_MAX, METAL_attention_f16_wide, METAL_attention_f32_wide, ATTENTION_WIDE_QUERIES,
     ATTENTION_WIDE_QUERIES}};

static int32_t attention_ceil(double x, double y) { return (int32_t)ceil(x / y); }

static attention_args attention_shape(const node *n) {
  const tensor *q = n->in[IN_Q], *k = n->in[IN_K];
  const double log2_e = 1.4426950408889634;
  const int32_t size = q->c / n->args.heads;
  return (attention_args){.heads = n->args.heads,
                          .size = size,
                          .queries = q->h * q->w,
                          .keys = k->h * k->w,
                          .rows_per_key_row = q->n / k->n,
                          .is_causal = n->args.causal,
                          .has_key_counts = n->in[IN_KEY_COUNTS] != NULL,
                          .q_format = (int)q->dtype,
                          .k_format = (int)k->dtype,
                          .v_format = (int)n->in[IN_V]->dtype,
                          .out_format = (int)n->out->dtype,
                          .scale = (float)(log2_e / sqrt((double)size))};
}

/* Two products of one block of queries with all keys, in all heads and rows of the batch; `size`:
 * channels of a head that are worked on, zeros among them. */
static double attention_block_flops(const attention_args *a, int32_t batch, int32_t block_queries,
                                    int32_t size) {
  const double keys = a->is_causal ? (a->keys + 1) / 2.0 : a->keys;
  return 4.0 * batch * a->heads * block_queries * keys * size;
}

void metal_attention(metal_backend *m, const node *n) {
  const int32_t batch = n->out->n, is_f32 = n->out->dtype == SD_F32;
  attention_args args = attention_shape(n);
  const attention_row *row = ATTENTION_ROWS;
  while (args.size > row->size) row++;
  const int is_wide = row->size == INT32_MAX;
  const int32_t block_queries = is_f32 ? row->f32_queries : row->f16_queries;
  const int32_t slices = is_wide ? attention_ceil(args.size, ATTENTION_WIDE_COLUMNS) : 1;
  const double block_flops =
      attention_block_flops(&args, batch, block_queries, is_wide ? args.size : row->size);
  const metal_view out = metal_tensor_view(m, n->out);
  metal_dispatch d = {
      .kernel = is_f32 ? row->f32 : metal_kernel_of(n, row->f16),
      .args = &args,
      .args_bytes = sizeof args,
      .out = out,
      .in = {metal_tensor_view(m, n->in[IN_Q]), metal_tensor_view(m, n->in[IN_K]),
             metal_tensor_view(m, n->in[IN_V]), metal_tensor_view(m, n->in[IN_KEY_COUNTS])},
      .in_count = 4,
      .groups = {0, (uint32_t)(args.heads * slices), (uint32_t)batch},
      .threads = is_wide ? ATTENTION_WIDE_THREADS : ATTENTION_THREADS};
  const int32_t blocks = attention_ceil(args.queries, block_queries);
  const double fitting = floor(metal_dispatch_limit(m) / block_flops);
  const int32_t most = fitting < 1 ? 1 : fitting < blocks ? (int32_t)fitting : blocks;
  for (int32_t block = 0; block < blocks; block += most) {
    const int32_t here = blocks - block < most ? blocks - block : most;
    const double share = (double)here / blocks;
    args.query_first = block * block_queries;
    d.groups[0] = (uint32_t)here;
    d.flops = block_flops * here;
    metal_count_bytes(&d);
    d.read_bytes -= (1 - share) * (double)d.in[IN_Q].bytes;
    d.written_bytes *= share;
    metal_encode(m, &d);
  }
}
