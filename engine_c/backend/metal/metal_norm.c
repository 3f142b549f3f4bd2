/* metal norm: encoders of layer norm and group norm; see metal/norm.metal. Owns the cut into blocks
 * of groups and bands of pixels; what is computed is the kernels'. */
#include "backend/metal/metal_backend.h"
#include "metal/kernel_args.h"

enum {
  BLOCK_CHANNELS = 64,   /* least of a threadgroup, for reads that lie together */
  SUM_NUMBERS = 32768,   /* of a threadgroup that sums, about */
  APPLY_NUMBERS = 32768, /* of a threadgroup that applies, about */
  SPLITS_MAX = 128       /* partial sums of a group: what each that applies has to join */
};

static int32_t norm_ceil(int64_t x, int64_t y) { return (int32_t)((x + y - 1) / y); }
static int32_t norm_least(int32_t x, int32_t y) { return x < y ? x : y; }

/* ---- layer norm ---- */

void metal_layer_norm(metal_backend *m, const node *n) {
  const tensor *x = n->in[IN_X], *out = n->out;
  const layer_norm_args args = {.rows = tensor_rows(out),
                                .channels = out->c,
                                .x_format = (int)x->dtype,
                                .out_format = (int)out->dtype,
                                .node = metal_node_index(m),
                                .eps = n->args.eps};
  const int is_held = out->c % 4 == 0 && out->c <= LAYER_NORM_HELD;
  metal_dispatch d = {
      .kernel = metal_kernel_of(n, is_held ? METAL_layer_norm : METAL_layer_norm_any),
      .args = &args,
      .args_bytes = sizeof args,
      .out = metal_tensor_view(m, out),
      .in = {metal_tensor_view(m, x), metal_weight_view(m, n->weights[WEIGHT_MAIN]),
             metal_weight_view(m, n->weights[WEIGHT_BIAS])},
      .in_count = 3,
      .out2 = metal_bad_node(m),
      .out2_is_flag = 1,
      .groups = {(uint32_t)norm_ceil(args.rows, NORM_THREADS / KERNEL_LANES), 1, 1},
      .threads = NORM_THREADS,
      .flops = 8.0 * (double)tensor_count(out)};
  metal_count_bytes(&d);
  metal_encode(m, &d);
}

/* ---- group norm ---- */

static group_norm_args group_norm_shape(metal_backend *m, const node *n) {
  const tensor *x = n->in[IN_X], *y = n->in[IN_Y], *out = n->out;
  return (group_norm_args){.pixels = out->h * out->w,
                           .channels = out->c,
                           .x_channels = x->c,
                           .group_channels = out->c / n->args.groups,
                           .groups = n->args.groups,
                           .x_format = (int)x->dtype,
                           .y_format = y ? (int)y->dtype : 0,
                           .out_format = (int)out->dtype,
                           .act = (int)n->args.act,
                           .node = metal_node_index(m),
                           .eps = n->args.eps};
}

/* Blocks of whole groups, twice as many until they are wide enough; then bands of pixels. */
static void group_norm_cut(group_norm_args *a, int32_t batch) {
  a->block_groups = 1;
  while (a->block_groups < a->groups && a->block_groups * a->group_channels < BLOCK_CHANNELS)
    a->block_groups *= 2;
  a->block_groups = norm_least(a->block_groups, a->groups);
  const int32_t width = a->block_groups * a->group_channels;
  a->by_quads = a->x_channels % 4 == 0 && a->channels % 4 == 0 && width % 4 == 0;
  const int64_t room = METAL_SCRATCH_BYTES / 8 / ((int64_t)batch * a->groups);
  const int32_t most = room < SPLITS_MAX ? (int32_t)room : SPLITS_MAX;
  const int32_t wanted = norm_ceil((int64_t)a->pixels * width, SUM_NUMBERS);
  a->split_pixels = norm_ceil(a->pixels, norm_least(wanted, most));
  a->splits = norm_ceil(a->pixels, a->split_pixels);
  a->item_pixels = norm_ceil(APPLY_NUMBERS, width);
}

static metal_dispatch group_norm_dispatch(const group_norm_args *a, metal_kernel kernel,
                                          int32_t bands, int32_t batch) {
  const int32_t width = a->block_groups * a->group_channels;
  return (metal_dispatch){
      .kernel = kernel,
      .args = a,
      .args_bytes = sizeof *a,
      .groups = {(uint32_t)norm_ceil(a->channels, width), (uint32_t)bands, (uint32_t)batch},
      .threads = NORM_THREADS};
}

void metal_group_norm(metal_backend *m, const node *n) {
  const int32_t batch = n->out->n;
  group_norm_args args = group_norm_shape(m, n);
  group_norm_cut(&args, batch);
  const metal_view x = metal_tensor_view(m, n->in[IN_X]), y = metal_tensor_view(m, n->in[IN_Y]);
  const metal_view partials = metal_scratch(m, (int64_t)batch * args.splits * args.groups * 8);
  const double numbers = (double)tensor_count(n->out);

  metal_dispatch sum =
      group_norm_dispatch(&args, metal_kernel_of(n, METAL_group_norm_sum), args.splits, batch);
  sum.out = partials;
  sum.in[0] = x;
  sum.in[1] = y;
  sum.in_count = 2;
  sum.out2 = metal_bad_node(m);
  sum.out2_is_flag = 1;
  sum.flops = 4.0 * numbers;
  metal_count_bytes(&sum);
  metal_encode(m, &sum);

  metal_dispatch apply = group_norm_dispatch(&args, metal_kernel_of(n, METAL_group_norm_apply),
                                             norm_ceil(args.pixels, args.item_pixels), batch);
  apply.out = metal_tensor_view(m, n->out);
  apply.in[0] = x;
  apply.in[1] = y;
  apply.in[2] = metal_weight_view(m, n->weights[WEIGHT_MAIN]);
  apply.in[3] = metal_weight_view(m, n->weights[WEIGHT_BIAS]);
  apply.in[4] = partials;
  apply.in_count = 5;
  apply.flops = (args.act == KERNEL_ACT_SILU ? 8.0 : 4.0) * numbers;
  metal_count_bytes(&apply);
  metal_encode(m, &apply);
}
