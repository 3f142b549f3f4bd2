/* metal elementwise: encoders of the operators without long sums: arange, timestep embedding,
 * embedding, add, activation, cast, latents to colours. Owns the cut of flat tensors into threads;
 * what is computed is said in metal/elementwise.metal and metal/embedding.metal. */
#include <math.h>

#include "backend/metal/metal_backend.h"
#include "metal/kernel_args.h"

_Static_assert(KERNEL_F32 == (int)SD_F32 && KERNEL_F16 == (int)SD_F16 &&
                   KERNEL_BF16 == (int)SD_BF16 && KERNEL_F8_E4M3 == (int)SD_F8_E4M3 &&
                   KERNEL_F8_E5M2 == (int)SD_F8_E5M2 && KERNEL_I32 == (int)SD_I32 &&
                   KERNEL_Q4_0 == (int)SD_Q4_0 && KERNEL_Q4_1 == (int)SD_Q4_1 &&
                   KERNEL_Q5_0 == (int)SD_Q5_0 && KERNEL_Q5_1 == (int)SD_Q5_1 &&
                   KERNEL_Q8_0 == (int)SD_Q8_0 && KERNEL_Q2_K == (int)SD_Q2_K &&
                   KERNEL_Q3_K == (int)SD_Q3_K && KERNEL_Q4_K == (int)SD_Q4_K &&
                   KERNEL_Q5_K == (int)SD_Q5_K && KERNEL_Q6_K == (int)SD_Q6_K,
               "kernels know the file's formats by the numbers of sd_dtype");
_Static_assert(KERNEL_ACT_NONE == (int)ACT_NONE && KERNEL_ACT_SILU == (int)ACT_SILU &&
                   KERNEL_ACT_GELU == (int)ACT_GELU &&
                   KERNEL_ACT_QUICK_GELU == (int)ACT_QUICK_GELU &&
                   KERNEL_ACT_RELU == (int)ACT_RELU && KERNEL_ACT_TANH3 == (int)ACT_TANH3 &&
                   KERNEL_ACT_GEGLU == (int)ACT_GEGLU,
               "kernels know activations by the numbers of ops.h");

static uint32_t elementwise_groups(int64_t count, int64_t of_a_group) {
  return (uint32_t)((count + of_a_group - 1) / of_a_group);
}

/* ---- add, activation, cast ---- */

/* out = act(x + y), y may be NULL. */
static void elementwise_run(metal_backend *m, const node *n, const tensor *y, activation act) {
  const tensor *x = n->in[IN_X], *out = n->out;
  const int is_shared = y && y->n < x->n;
  const int64_t count = tensor_count(out), rows = is_shared ? out->n : 1;
  const elementwise_args args = {.row_numbers = count / rows,
                                 .x_format = (int)x->dtype,
                                 .y_format = y ? (int)y->dtype : 0,
                                 .out_format = (int)out->dtype,
                                 .has_y = y != NULL,
                                 .y_is_shared = is_shared,
                                 .act = (int)act};
  metal_dispatch d = {
      .kernel = metal_kernel_of(n, METAL_elementwise),
      .args = &args,
      .args_bytes = sizeof args,
      .out = metal_tensor_view(m, out),
      .in = {metal_tensor_view(m, x), metal_tensor_view(m, y)},
      .in_count = 2,
      .groups = {elementwise_groups(args.row_numbers, ELEMENTWISE_THREADS * ELEMENTWISE_NUMBERS),
                 (uint32_t)rows, 1},
      .threads = ELEMENTWISE_THREADS,
      .flops = (double)count};
  metal_count_bytes(&d);
  metal_encode(m, &d);
}

void metal_add(metal_backend *m, const node *n) { elementwise_run(m, n, n->in[IN_Y], ACT_NONE); }
void metal_activation(metal_backend *m, const node *n) { elementwise_run(m, n, NULL, n->args.act); }
void metal_cast(metal_backend *m, const node *n) { elementwise_run(m, n, NULL, ACT_NONE); }

/* ---- arange, timestep_embedding ---- */

void metal_arange(metal_backend *m, const node *n) {
  const tensor *out = n->out;
  const arange_args args = {
      .start = n->args.start, .step = n->args.step, .count = out->c, .format = (int)out->dtype};
  const metal_view to = metal_tensor_view(m, out);
  metal_encode(m, &(metal_dispatch){.kernel = metal_kernel_of(n, METAL_arange),
                                    .args = &args,
                                    .args_bytes = sizeof args,
                                    .out = to,
                                    .groups = {elementwise_groups(out->c, KERNEL_LANES), 1, 1},
                                    .threads = KERNEL_LANES,
                                    .flops = 2.0 * out->c,
                                    .written_bytes = (double)to.bytes});
}

/* Frequencies in double precision: the angle of the last step is some hundred turns. */
void metal_timestep_embedding(metal_backend *m, const node *n) {
  const tensor *out = n->out;
  const double two_pi = 6.283185307179586, whole_turn = 4294967296.0;
  timestep_args args = {.rows = out->n, .half_width = out->c / 2, .format = (int)out->dtype};
  metal_dispatch d = {.kernel = metal_kernel_of(n, METAL_timestep_embedding),
                      .args = &args,
                      .args_bytes = sizeof args,
                      .out = metal_tensor_view(m, out),
                      .in = {metal_tensor_view(m, n->in[IN_X])},
                      .in_count = 1,
                      .threads = KERNEL_LANES};
  for (; args.first < args.half_width; args.first += args.count) {
    const int left = args.half_width - args.first;
    args.count = left < TIMESTEP_FREQUENCIES ? left : TIMESTEP_FREQUENCIES;
    for (int i = 0; i < args.count; i++) {
      const double frequency = exp(-log(10000.0) * (args.first + i) / args.half_width);
      args.turns[i] = (unsigned)lrint(frequency / two_pi * whole_turn);
    }
    d.groups[0] = elementwise_groups(args.count, KERNEL_LANES);
    d.groups[1] = (uint32_t)args.rows;
    d.groups[2] = 1;
    d.flops = 40.0 * args.rows * args.count;
    metal_count_bytes(&d);
    d.written_bytes *= (double)args.count / args.half_width;
    metal_encode(m, &d);
  }
}

/* ---- embedding ---- */

void metal_embedding(metal_backend *m, const node *n) {
  const tensor *out = n->out, *extra = n->in[IN_Y];
  const weight *table = n->weights[WEIGHT_MAIN];
  const int64_t rows = tensor_rows(out);
  const embedding_args args = {.channels = out->c,
                               .table_format = (int)table->dtype,
                               .out_format = (int)out->dtype,
                               .table_rows = (int)table->shape[0],
                               .extra_rows = extra ? (int)tensor_rows(extra) : 0};
  metal_dispatch d = {
      .kernel = metal_kernel_of(n, METAL_embedding),
      .args = &args,
      .args_bytes = sizeof args,
      .out = metal_tensor_view(m, out),
      .in = {metal_tensor_view(m, n->in[IN_X]), metal_weight_view(m, table),
             metal_tensor_view(m, extra)},
      .in_count = 3,
      .groups = {elementwise_groups(out->c, ELEMENTWISE_THREADS), (uint32_t)rows, 1},
      .threads = ELEMENTWISE_THREADS,
      .flops = (double)tensor_count(out)};
  /* As many rows of the table as ids, not the whole table. */
  metal_count_bytes(&d);
  d.read_bytes += (double)d.in[1].bytes * ((double)rows / (double)table->shape[0] - 1);
  metal_encode(m, &d);
}

/* ---- latent_rgb ---- */

void metal_latent_rgb(metal_backend *m, const node *n) {
  const tensor *x = n->in[IN_X];
  const latent_rgb_args args = {
      .pixels = tensor_rows(x), .channels = x->c, .x_format = (int)x->dtype};
  metal_dispatch d = {.kernel = metal_kernel_of(n, METAL_latent_rgb),
                      .args = &args,
                      .args_bytes = sizeof args,
                      .out = metal_tensor_view(m, n->out),
                      .in = {metal_tensor_view(m, x), metal_tensor_view(m, n->in[IN_Y])},
                      .in_count = 2,
                      .groups = {elementwise_groups(args.pixels, ELEMENTWISE_THREADS), 1, 1},
                      .threads = ELEMENTWISE_THREADS,
                      .flops = 2.0 * (double)(OPS_COLORS * tensor_count(x))};
  metal_count_bytes(&d);
  metal_encode(m, &d);
}
