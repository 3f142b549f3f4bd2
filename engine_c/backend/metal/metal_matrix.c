/* metal_matrix: encoders of linear and conv2d, one product; see metal/matrix.metal. Owns the choice
 * of tiles, slices of K and bands of rows; what the kernels compute is theirs. */
#include "backend/metal/metal_matrix.h"

#include "backend/metal/metal_product.h"
#include "base/half.h"

enum {
  TILE_THREADS = 128,
  MOST_SLICES = 8,      /* of K */
  LEAST_DEPTH = 256,    /* of a slice */
  REDUCE_THREADS = 256, /* each takes REDUCE_COLUMNS */
  REDUCE_COLUMNS = 4,
  PHASES = 4,           /* of a picture enlarged by two */
  LEAST_PHASED = 512,   /* rows of out for which sums of weights are worth their making */
  CACHE_BYTES = 8 << 20 /* of the GPU: an operand that fits is read from memory once */
};

static const double CORE_FLOPS = 0.25e12; /* per second: what one core of a GPU reaches, about */

static int32_t product_ceil(int64_t x, int64_t y) { return (int32_t)((x + y - 1) / y); }
static int32_t product_min(int32_t x, int32_t y) { return x < y ? x : y; }

/* A variant's tile, and the numbers of K that it takes at once. */
typedef struct product_tile {
  int32_t rows, columns, depth;
} product_tile;

static product_tile product_tile_of(const product *p) {
  static const product_tile TILES[MATRIX_VARIANT_COUNT] = {[MATRIX_64X64] = {64, 64, 32},
                                                           [MATRIX_64X32] = {64, 32, 32},
                                                           [MATRIX_DIRECT] = {64, 64, 32},
                                                           [MATRIX_TENSOR] = {128, 64, 64}};
  return TILES[p->variant];
}

metal_kernel product_kernel(const product *p, matrix_variant variant) {
  static const metal_kernel F16[MATRIX_VARIANT_COUNT][MATRIX_FORM_COUNT] = {
      [MATRIX_64X64] = {METAL_matrix_f16_64x64_rows, METAL_matrix_f16_64x64_taps},
      [MATRIX_64X32] = {METAL_matrix_f16_64x32_rows, METAL_matrix_f16_64x32_taps},
      [MATRIX_DIRECT] = {METAL_matrix_f16_direct_rows, METAL_matrix_f16_direct_taps},
      [MATRIX_TENSOR] = {METAL_tensor_rows_f16, METAL_tensor_taps_f16}};
  static const metal_kernel F32[MATRIX_FORM_COUNT] = {METAL_matrix_f32_64x32_rows,
                                                      METAL_matrix_f32_64x32_taps};
  if (p->dtype == SD_F32) return F32[p->form];
  /* The tensor library has no edge of rows where it takes them from device memory. */
  const int is_ragged = variant == MATRIX_TENSOR && p->args.row_end % 128 != 0;
  return metal_kernel_in(p->dtype, F16[variant][is_ragged ? MATRIX_TAPS : p->form]);
}

/* ---- what the product is ---- */

void product_derive(product *p) {
  matrix_args *a = &p->args;
  a->is_wide = a->x_channels % 8 == 0 && a->y_channels % 8 == 0;
  p->form = a->side == 1 && a->stride == 1 && !a->upsample ? MATRIX_ROWS : MATRIX_TAPS;
}

static product product_of(metal_backend *m, const node *n) {
  const tensor *x = n->in[IN_X], *y = n->in[IN_Y], *out = n->out, *add = n->in[IN_CHANNEL_ADD];
  const weight *w = n->weights[WEIGHT_MAIN], *bias = n->weights[WEIGHT_BIAS];
  const int32_t is_geglu = n->args.act == ACT_GEGLU;
  product p = {.dtype = out->dtype,
               .out = metal_tensor_view(m, out),
               .from = {[FROM_X] = metal_tensor_view(m, x),
                        [FROM_Y] = metal_tensor_view(m, y),
                        [FROM_WEIGHT] = metal_weight_view(m, w),
                        [FROM_BIAS] = metal_weight_view(m, bias),
                        [FROM_RESIDUAL] = metal_tensor_view(m, n->in[IN_RESIDUAL]),
                        [FROM_CHANNEL_ADD] = metal_tensor_view(m, add)}};
  p.args = (matrix_args){.row_end = (int32_t)tensor_rows(out),
                         .columns = out->c,
                         .weight_rows = is_geglu ? 16 * product_ceil(out->c, 8) : out->c,
                         .x_channels = x->c,
                         .y_channels = y ? y->c : 0,
                         .side = w->kernel_h,
                         .stride = n->op == OP_conv2d ? n->args.stride : 1,
                         .pad = n->args.pad,
                         .upsample = n->args.upsample,
                         .in_h = x->h,
                         .in_w = x->w,
                         .out_h = out->h,
                         .out_w = out->w,
                         .slices = 1,
                         .act = (int)n->args.act,
                         .has_bias = bias != NULL,
                         .has_residual = n->in[IN_RESIDUAL] != NULL,
                         .channel_adds = add ? add->n : 0};
  product_derive(&p);
  return p;
}

/* ---- enlarging by two ---- */

static int64_t product_presum_bytes(const product *p) {
  const int64_t channels = p->args.x_channels + p->args.y_channels;
  return PHASES * PHASES * channels * p->args.weight_rows * (int64_t)half_dtype_bytes(SD_F16);
}

/* A 3x3 convolution of a picture enlarged by two as four 2x2 ones; see metal/matrix.metal. Weights
 * are summed anew each time: kept, the sums would take more than the weights do, for some 0.5 % of
 * a step; ARCHITECTURE.md has the figures. In f32 the sums, rounded to f16, would be too coarse. */
static int product_may_be_phased(const metal_backend *m, const product *p) {
  const matrix_args *a = &p->args;
  return a->upsample && a->side == 3 && a->pad == 1 && a->stride == 1 && a->is_wide &&
         a->out_h == 2 * a->in_h && a->out_w == 2 * a->in_w && a->row_end >= LEAST_PHASED &&
         p->dtype != SD_F32 && product_presum_bytes(p) <= METAL_SCRATCH_BYTES &&
         metal_kernel_threads(m, metal_kernel_in(p->dtype, METAL_matrix_presum)) >= REDUCE_THREADS;
}

static void product_make_phased(metal_backend *m, product *p) {
  matrix_args *a = &p->args;
  const metal_view sums = metal_scratch(m, product_presum_bytes(p));
  const matrix_presum_args args = {.columns = a->columns,
                                   .channels = a->x_channels + a->y_channels};
  const int64_t quads = (int64_t)args.columns * args.channels / 4;
  metal_dispatch d = {.kernel = metal_kernel_in(p->dtype, METAL_matrix_presum),
                      .args = &args,
                      .args_bytes = sizeof args,
                      .out = sums,
                      .in = {p->from[FROM_WEIGHT]},
                      .in_count = 1,
                      .groups = {(uint32_t)product_ceil(quads, REDUCE_THREADS), 1, 1},
                      .threads = REDUCE_THREADS,
                      .flops = 36.0 * 4.0 * (double)quads};
  metal_count_bytes(&d);
  metal_encode(m, &d);
  p->from[FROM_WEIGHT] = sums;
  a->is_phased = 1;
  a->upsample = 0;
  a->side = 2;
  a->out_h = a->in_h;
  a->out_w = a->in_w;
  a->row_end /= PHASES;
  product_derive(p);
}

/* ---- how it is cut ---- */

static int product_may_be_direct(const product *p) {
  const matrix_args *a = &p->args;
  const int is_ragged = p->form == MATRIX_ROWS && a->row_end % 8 != 0;
  return p->dtype != SD_F32 && a->is_wide && a->weight_rows % 8 == 0 && !is_ragged;
}

static int product_may_be_tensor(const product *p) {
  const matrix_args *a = &p->args;
  return p->dtype == SD_F16 && a->x_channels % 64 == 0 && a->y_channels % 64 == 0 &&
         a->weight_rows % 64 == 0;
}

static void product_set_variant(product *p, matrix_variant variant) {
  matrix_args *a = &p->args;
  p->variant = p->dtype == SD_F32 ? MATRIX_64X32 : variant;
  const product_tile tile = product_tile_of(p);
  const int32_t taps = a->side * a->side, in = a->x_channels + a->y_channels;
  p->row_tiles = product_ceil(a->row_end, tile.rows);
  p->column_tiles = product_ceil(a->weight_rows, tile.columns);
  a->slabs = a->is_wide ? taps * (product_ceil(a->x_channels, tile.depth) +
                                  product_ceil(a->y_channels, tile.depth))
                        : product_ceil((int64_t)taps * in, tile.depth);
}

/* The inner of the two loops over tiles goes over the smaller operand, which the cache keeps. */
static void product_set_order(product *p) {
  p->args.is_columns_first = p->from[FROM_WEIGHT].bytes <= p->from[FROM_X].bytes;
}

/* Few tiles would leave cores idle: then each takes a part of K only. */
static void product_set_slices(product *p, const metal_tuning *tuning) {
  const int32_t tiles = p->row_tiles * p->column_tiles;
  const int32_t cores = (int32_t)(tuning->flops_per_second / CORE_FLOPS) + 1;
  const int32_t most =
      product_min(MOST_SLICES, p->args.slabs * product_tile_of(p).depth / LEAST_DEPTH);
  p->args.slices = 1;
  if (tiles < 2 * cores && most > 1 && !p->args.is_phased)
    p->args.slices = product_min(product_ceil(4 * cores, tiles), most);
}

/* The variant, or the plainest where its pipeline is missing. */
static matrix_variant product_there(const product *p, const metal_backend *m,
                                    matrix_variant variant) {
  const int is_there = metal_kernel_threads(m, product_kernel(p, variant)) >= TILE_THREADS;
  return is_there ? variant : MATRIX_64X32;
}

void product_cut(product *p, const metal_backend *m, const metal_tuning *tuning) {
  const int64_t tiles =
      (int64_t)product_ceil(p->args.row_end, 64) * product_ceil(p->args.weight_rows, 64);
  const matrix_size size = tiles < 64 ? MATRIX_SMALL : tiles < 512 ? MATRIX_MIDDLE : MATRIX_LARGE;
  matrix_variant variant = tuning->variant[p->form][size];
  if (p->args.weight_rows <= 32) variant = MATRIX_64X32;
  if (variant == MATRIX_DIRECT && !product_may_be_direct(p)) variant = MATRIX_64X64;
  if (variant == MATRIX_TENSOR && !product_may_be_tensor(p)) variant = MATRIX_64X64;
  product_set_variant(p, product_there(p, m, variant));
  product_set_order(p);
  product_set_slices(p, tuning);
  if (p->variant == MATRIX_DIRECT && p->form == MATRIX_ROWS && p->args.slices > 1)
    product_set_variant(p, product_there(p, m, MATRIX_64X64));
}

/* ---- its dispatches ---- */

static metal_view product_part(metal_view view, int64_t offset, int64_t bytes) {
  return (metal_view){view.buffer, view.offset + offset, view.buffer ? bytes : 0};
}

/* Multiply-adds x 2 of a dispatch of `row_tiles`, those of tiles' empty parts among them. */
static double product_band_flops(const product *p, int32_t row_tiles) {
  const product_tile tile = product_tile_of(p);
  const int32_t rows = tile.rows * row_tiles * (p->args.is_phased ? PHASES : 1);
  return 2.0 * rows * p->column_tiles * tile.columns * p->args.slabs * tile.depth;
}

double product_flops(const product *p) { return product_band_flops(p, p->row_tiles); }

/* Device bytes read for a band of tiles, which meet each operand again and again: the outer one is
 * read once, the inner one once if the cache holds it, else for each step of the outer loop. */
static double product_read_bytes(const product *p, int32_t row_tiles) {
  const double part = (double)row_tiles / p->row_tiles,
               weights = (double)p->from[FROM_WEIGHT].bytes;
  const double pixels = part * (double)(p->from[FROM_X].bytes + p->from[FROM_Y].bytes);
  const double inner = p->args.is_columns_first ? weights : pixels;
  const int32_t steps = p->args.is_columns_first ? row_tiles : p->column_tiles;
  const double again = inner > (double)CACHE_BYTES ? inner * (steps - 1) : 0.0;
  return weights + pixels + again;
}

/* One dispatch: rows row.. of out, or all of them in slices to `partials`. */
static void product_encode_rows(metal_backend *m, const product *p, int32_t row, int32_t rows,
                                metal_view partials) {
  const int32_t row_tiles = product_ceil(rows, product_tile_of(p).rows);
  const int is_columns_first = p->args.is_columns_first;
  const int64_t row_bytes = p->args.columns * (int64_t)half_dtype_bytes(p->dtype);
  matrix_args args = p->args;
  args.row_first = row;
  args.row_end = row + rows;
  metal_dispatch d = {.kernel = product_kernel(p, p->variant),
                      .args = &args,
                      .args_bytes = sizeof args,
                      .out = p->out,
                      .in_count = FROM_COUNT,
                      .threads = TILE_THREADS,
                      .flops = product_band_flops(p, row_tiles)};
  for (int32_t i = 0; i < FROM_COUNT; i++) d.in[i] = p->from[i];
  if (!args.is_phased) {
    d.out = product_part(p->out, row * row_bytes, rows * row_bytes);
    d.in[FROM_RESIDUAL] = product_part(p->from[FROM_RESIDUAL], row * row_bytes, rows * row_bytes);
  }
  d.groups[0] = (uint32_t)(is_columns_first ? p->column_tiles : row_tiles);
  d.groups[1] = (uint32_t)(is_columns_first ? row_tiles : p->column_tiles);
  d.groups[2] = (uint32_t)(args.is_phased ? PHASES : args.slices);
  if (args.slices > 1) {
    d.out = partials;
    for (int32_t i = FROM_BIAS; i < FROM_COUNT; i++) d.in[i] = (metal_view){.buffer = NULL};
  }
  metal_count_bytes(&d);
  d.read_bytes = product_read_bytes(p, row_tiles);
  for (int32_t i = FROM_BIAS; i < FROM_COUNT; i++) d.read_bytes += (double)d.in[i].bytes;
  if (args.is_phased) d.written_bytes *= (double)rows / p->args.row_end;
  metal_encode(m, &d);
}

static void product_encode_slices(metal_backend *m, const product *p) {
  const product_tile tile = product_tile_of(p);
  const int32_t rows = p->row_tiles * tile.rows, columns = p->column_tiles * tile.columns;
  const int32_t quads = columns / (p->args.act == ACT_GEGLU ? 2 : 1) / REDUCE_COLUMNS;
  const metal_view partials =
      metal_scratch(m, (int64_t)p->args.slices * rows * columns * (int64_t)sizeof(float));
  const matrix_reduce_args args = {
      .matrix = p->args, .partial_rows = rows, .partial_columns = columns};
  product_encode_rows(m, p, 0, p->args.row_end, partials);
  metal_dispatch d = {
      .kernel = p->dtype == SD_F32 ? METAL_matrix_reduce_f32
                                   : metal_kernel_in(p->dtype, METAL_matrix_reduce_f16),
      .args = &args,
      .args_bytes = sizeof args,
      .out = p->out,
      .in = {partials, p->from[FROM_BIAS], p->from[FROM_RESIDUAL], p->from[FROM_CHANNEL_ADD]},
      .in_count = 4,
      .groups = {(uint32_t)product_ceil((int64_t)p->args.row_end * quads, REDUCE_THREADS), 1, 1},
      .threads = REDUCE_THREADS,
      .flops = (double)p->args.slices * rows * columns};
  metal_count_bytes(&d);
  metal_encode(m, &d);
}

void product_encode(metal_backend *m, const product *p) {
  if (p->args.slices > 1) {
    product_encode_slices(m, p);
    return;
  }
  const double tiles = metal_dispatch_limit(m) / product_band_flops(p, 1);
  const int32_t most = tiles < 1.0 ? 1 : tiles > p->row_tiles ? p->row_tiles : (int32_t)tiles;
  const int32_t bands = product_ceil(p->row_tiles, most);
  const int32_t band = product_tile_of(p).rows * product_ceil(p->row_tiles, bands);
  for (int32_t row = 0; row < p->args.row_end; row += band)
    product_encode_rows(m, p, row, product_min(band, p->args.row_end - row),
                        (metal_view){.buffer = NULL});
}

static void product_run(metal_backend *m, const node *n) {
  product p = product_of(m, n);
  if (product_may_be_phased(m, &p)) product_make_phased(m, &p);
  product_cut(&p, m, metal_tuning_of(m));
  product_encode(m, &p);
}

void metal_linear(metal_backend *m, const node *n) { product_run(m, n); }
void metal_conv2d(metal_backend *m, const node *n) { product_run(m, n); }
