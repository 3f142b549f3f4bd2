/* cpu_matrix: linear and conv2d, as one product. A linear is a convolution with one tap.
 *
 *   out[pixel][column] = act(bias + channel_add + residual + sum over tap, source, channel of
 *                            source[pixel moved by tap][channel] * weight[tap][channel][column])
 *
 * Work is handed out in tiles of output pixels x columns. A tile's sums stand in f32 in the
 * worker's workspace; they begin as bias, channel_add and residual, take one block of K after the
 * other (taps x channels: the weights of a block as f32 in the workspace, the pixels read where
 * they lie through addresses, or through a small f32 copy if they are f16), and are then stored
 * through act. Owns tiles and blocks; knows neither the instruction set nor who asks. */
#include <math.h>
#include <string.h>

#include "backend/cpu/cpu_backend.h"
#include "base/half.h"

enum {
  TILE_ROWS = 192,
  TILE_COLUMNS = 320,
  BLOCK_DEPTH = 320,    /* most k of a block */
  TILES_PER_WORKER = 8, /* at least, for an even end */
  TILE_WORK = 1 << 28,  /* most multiplications of a tile: under 10 ms */
  MOST_TAPS = 9,
  MOST_ROWS = 16, /* of a block, of any instruction set */
  MOST_PANEL = 64 /* columns of a panel, of any instruction set */
};

typedef struct product_source {
  const char *data;
  sd_dtype dtype;
  int32_t channels, first; /* first: place among the joined channels */
} product_source;

typedef struct product {
  const cpu_backend *cpu;
  const node *node;
  const weight *weight;
  product_source sources[2];
  int32_t source_count;
  int32_t in_h, in_w, out_h, out_w, stride, pad, upsample;
  int32_t rows, columns; /* columns: of weight panels, zero columns counted */
  int32_t tile_rows, tile_columns, row_tiles;
  int32_t geglu;
} product;

/* Source position of an output pixel's first tap, in the (enlarged) input. */
typedef struct product_pixel {
  int32_t picture, y, x;
} product_pixel;

typedef struct product_tile {
  const product *p;
  int32_t row, rows;       /* first output pixel, and how many */
  int32_t column, columns; /* whole panels */
  float *sums;             /* [rows][tile_columns] */
  float *weights;          /* [panel][k of the block][isa->panel] */
  float *copies;           /* [tap][block row][channel]: f16 pixels as f32 */
  float *zeros;            /* a pixel outside the picture */
  product_pixel *pixels;   /* [rows] */
} product_tile;

/* A part of K: some taps of some channels of one source. */
typedef struct product_part {
  const product_source *source;
  int32_t tap, taps, channel, channels;
} product_part;

static int32_t product_min(int32_t x, int32_t y) { return x < y ? x : y; }
static int32_t product_ceil(int32_t x, int32_t y) { return (x + y - 1) / y; }

/* Splits `total` units into parts of at most `most`, all about as long. */
static int32_t product_even(int32_t total, int32_t most) {
  return product_ceil(total, product_ceil(total, most));
}

/* ---- tiles ---- */

static int64_t product_tiles(const product *p) {
  return (int64_t)p->row_tiles * product_ceil(p->columns, p->tile_columns);
}

/* Large tiles load and convert least; smaller ones, first in columns, keep every worker busy. */
static void product_choose_tiles(product *p) {
  const cpu_isa *isa = p->cpu->isa;
  const int32_t unit = p->geglu ? 2 * isa->panel : isa->panel, units = p->columns / unit;
  const int64_t depth = (int64_t)p->weight->in * p->weight->kernel_h * p->weight->kernel_w;
  const int64_t wanted = (int64_t)threads_count(p->cpu->pool) * TILES_PER_WORKER;
  int32_t most_units = TILE_COLUMNS / unit, most_rows = TILE_ROWS;
  for (;;) {
    const int32_t blocks = product_ceil(p->rows, isa->rows);
    p->tile_columns = unit * product_even(units, most_units);
    p->tile_rows = isa->rows * product_even(blocks, most_rows / isa->rows);
    p->row_tiles = product_ceil(p->rows, p->tile_rows);
    const int64_t work = depth * p->tile_rows * p->tile_columns;
    if (product_tiles(p) >= wanted && work <= TILE_WORK) return;
    if (p->tile_columns > unit)
      most_units = product_min(most_units, units) / 2;
    else if (p->tile_rows > 8 * isa->rows)
      most_rows = p->tile_rows / 2;
    else
      return;
  }
}

/* ---- sums: first values and result ---- */

/* Column of out, bias and channel_add at which a panel begins. Values and gates of a GEGLU fill
 * panels in turn; gates come after all values in the bias. */
static int32_t tile_panel_column(const product *p, int32_t column) {
  const int32_t panel = p->cpu->isa->panel, index = column / panel;
  return p->geglu ? index / 2 * panel + index % 2 * (p->weight->out / 2) : column;
}

static int32_t tile_panel_width(const product *p, int32_t column) {
  const int32_t panel = p->cpu->isa->panel, half = p->weight->out / 2;
  if (!p->geglu) return product_min(panel, p->weight->out - column);
  return product_min(panel, half - column / panel / 2 * panel);
}

/* `count` numbers of x from number `at` on, as f32: where they lie, or in `copy`. */
static const float *tile_unpack_row(const product_tile *t, const tensor *x, int64_t at,
                                    size_t count, float *copy) {
  const char *from = cpu_address(t->p->cpu, x);
  from += (size_t)at * half_dtype_bytes(x->dtype);
  if (x->dtype == SD_F32) return (const float *)(const void *)from;
  t->p->cpu->isa->unpack(copy, from, x->dtype, count);
  return copy;
}

/* out[columns]: bias + channel_add of a picture, 0 in zero columns. */
static void tile_base(const product_tile *t, float *out, int32_t picture) {
  const product *p = t->p;
  const node *n = p->node;
  const cpu_isa *isa = p->cpu->isa;
  const weight *bias = n->weights[WEIGHT_BIAS];
  const tensor *add = n->in[IN_CHANNEL_ADD];
  memset(out, 0, (size_t)t->columns * sizeof(float));
  for (int32_t i = 0; i < t->columns; i += isa->panel) {
    const int32_t from = tile_panel_column(p, t->column + i);
    const size_t width = (size_t)tile_panel_width(p, t->column + i);
    if (bias) memcpy(out + i, (const float *)bias->packed + from, width * sizeof(float));
    if (!add) continue;
    const int64_t row = add->n == 1 ? 0 : picture;
    float copy[MOST_PANEL];
    const float *channels = tile_unpack_row(t, add, row * add->c + from, width, copy);
    isa->add_row(out + i, out + i, channels, width);
  }
}

static void tile_begin(const product_tile *t) {
  const product *p = t->p;
  const cpu_isa *isa = p->cpu->isa;
  const tensor *residual = p->node->in[IN_RESIDUAL];
  const size_t width = (size_t)product_min(t->columns, p->weight->out - t->column);
  float base[TILE_COLUMNS];
  int32_t picture = -1;
  for (int32_t r = 0; r < t->rows; r++) {
    float *sums = t->sums + (int64_t)r * p->tile_columns;
    if (t->pixels[r].picture != picture) {
      picture = t->pixels[r].picture;
      tile_base(t, base, picture);
    }
    if (!residual) {
      memcpy(sums, base, (size_t)t->columns * sizeof(float));
      continue;
    }
    const int64_t at = (int64_t)(t->row + r) * residual->c + t->column;
    const float *from = tile_unpack_row(t, residual, at, width, sums);
    isa->add_row(sums, from, base, width);
  }
}

static void tile_activate(const cpu_isa *isa, float *row, activation act, size_t count) {
  switch (act) {
    case ACT_SILU:
      isa->silu_row(row, row, count);
      break;
    case ACT_GELU:
      isa->gelu_row(row, row, count);
      break;
    case ACT_QUICK_GELU:
      isa->quick_gelu_row(row, row, count);
      break;
    case ACT_RELU:
      for (size_t i = 0; i < count; i++) row[i] = row[i] < 0.0f ? 0.0f : row[i];
      break;
    case ACT_TANH3:
      for (size_t i = 0; i < count; i++) row[i] = 3.0f * tanhf(row[i] / 3.0f);
      break;
    case ACT_NONE:
    case ACT_GEGLU:
      break;
  }
}

static void tile_end(const product_tile *t) {
  const product *p = t->p;
  const cpu_isa *isa = p->cpu->isa;
  const tensor *out = p->node->out;
  const size_t bytes = half_dtype_bytes(out->dtype);
  const int32_t step = p->geglu ? 2 * isa->panel : t->columns;
  for (int32_t r = 0; r < t->rows; r++) {
    char *to = (char *)cpu_address(p->cpu, out) + (size_t)((int64_t)(t->row + r) * out->c) * bytes;
    for (int32_t i = 0; i < t->columns; i += step) {
      float *sums = t->sums + (int64_t)r * p->tile_columns + i;
      const int32_t column = tile_panel_column(p, t->column + i);
      const int32_t most = p->geglu ? isa->panel : t->columns;
      const size_t width = (size_t)product_min(most, out->c - column);
      if (p->geglu) {
        isa->gelu_row(sums + isa->panel, sums + isa->panel, width);
        isa->multiply_row(sums, sums, sums + isa->panel, width);
      }
      tile_activate(isa, sums, p->node->args.act, width);
      isa->pack(to + (size_t)column * bytes, sums, out->dtype, width);
    }
  }
}

/* ---- blocks of K ---- */

/* Weights of a part, for each panel of the tile, as f32. */
static void tile_unpack_weights(const product_tile *t, const product_part *part) {
  const product *p = t->p;
  const weight *w = p->weight;
  const cpu_isa *isa = p->cpu->isa;
  const int64_t taps = (int64_t)w->kernel_h * w->kernel_w;
  const size_t bytes = half_dtype_bytes(w->dtype), count = (size_t)(part->channels * isa->panel);
  float *out = t->weights;
  for (int64_t panel = t->column / isa->panel; panel < (t->column + t->columns) / isa->panel;
       panel++)
    for (int32_t tap = part->tap; tap < part->tap + part->taps; tap++, out += count) {
      const int64_t k = (panel * taps + tap) * w->in + part->source->first + part->channel;
      isa->unpack(out, (const char *)w->packed + (size_t)(k * isa->panel) * bytes, w->dtype, count);
    }
}

/* Address of the part's channels of the pixel under `tap`, or NULL outside the picture. */
static const char *tile_pixel(const product *p, const product_pixel *pixel,
                              const product_part *part, int32_t tap) {
  const product_source *source = part->source;
  int32_t y = pixel->y + tap / p->weight->kernel_w, x = pixel->x + tap % p->weight->kernel_w;
  const int32_t h = p->upsample ? p->out_h : p->in_h, w = p->upsample ? p->out_w : p->in_w;
  if (y < 0 || x < 0 || y >= h || x >= w) return NULL;
  if (p->upsample) {
    y = (int32_t)((int64_t)y * p->in_h / p->out_h);
    x = (int32_t)((int64_t)x * p->in_w / p->out_w);
  }
  const int64_t row = ((int64_t)pixel->picture * p->in_h + y) * p->in_w + x;
  const size_t at = (size_t)(row * source->channels + part->channel);
  return source->data + at * half_dtype_bytes(source->dtype);
}

/* a[tap][row]: addresses of f32 channels. */
static void tile_addresses(const product_tile *t, const product_part *part, int32_t first,
                           int32_t rows, const float **a) {
  const product *p = t->p;
  const sd_dtype dtype = part->source->dtype;
  float *copy = t->copies;
  for (int32_t tap = part->tap; tap < part->tap + part->taps; tap++)
    for (int32_t r = 0; r < rows; r++, a++) {
      const char *pixel = tile_pixel(p, t->pixels + first + r, part, tap);
      *a = pixel ? (const float *)(const void *)pixel : t->zeros;
      if (!pixel || dtype == SD_F32) continue;
      p->cpu->isa->unpack(copy, pixel, dtype, (size_t)part->channels);
      *a = copy;
      copy += part->channels;
    }
}

/* Asks the memory for the part's channels of pixel `row` of the tile. */
static void tile_prefetch(const product_tile *t, const product_part *part, int32_t row) {
  enum { LINE_BYTES = 64 };
  if (row >= t->rows) return;
  const size_t bytes = (size_t)part->channels * half_dtype_bytes(part->source->dtype);
  for (int32_t tap = part->tap; tap < part->tap + part->taps; tap++) {
    const char *pixel = tile_pixel(t->p, t->pixels + row, part, tap);
    for (size_t i = 0; pixel && i < bytes; i += LINE_BYTES) __builtin_prefetch(pixel + i);
  }
}

static void tile_multiply(const product_tile *t, const product_part *part) {
  const product *p = t->p;
  const cpu_isa *isa = p->cpu->isa;
  const int32_t panels = t->columns / isa->panel;
  const float *a[MOST_TAPS * MOST_ROWS];
  tile_unpack_weights(t, part);
  for (int32_t r = 0; r < t->rows; r += isa->rows) {
    cpu_block block = {.a = a,
                       .b = t->weights,
                       .tile = t->sums + (int64_t)r * p->tile_columns,
                       .stride = p->tile_columns,
                       .rows = product_min(isa->rows, t->rows - r),
                       .segments = part->taps,
                       .length = part->channels,
                       .accumulate = 1};
    tile_addresses(t, part, r, block.rows, a);
    for (int32_t i = 0, ahead = 0; i < panels; i++) {
      for (; ahead < isa->rows * (i + 1) / panels;
           ahead++) /* the next block's pixels, bit by bit */
        tile_prefetch(t, part, r + isa->rows + ahead);
      isa->block(&block);
      block.tile += isa->panel;
      block.b += (int64_t)part->taps * part->channels * isa->panel;
    }
  }
}

static void tile_multiply_all(const product_tile *t) {
  const product *p = t->p;
  const int32_t taps = p->weight->kernel_h * p->weight->kernel_w;
  for (int32_t s = 0; s < p->source_count; s++) {
    const product_source *source = &p->sources[s];
    const int32_t channels = product_even(source->channels, BLOCK_DEPTH);
    const int32_t group = product_even(taps, product_min(taps, BLOCK_DEPTH / channels));
    for (int32_t tap = 0; tap < taps; tap += group)
      for (int32_t channel = 0; channel < source->channels; channel += channels) {
        const product_part part = {.source = source,
                                   .tap = tap,
                                   .taps = product_min(group, taps - tap),
                                   .channel = channel,
                                   .channels = product_min(channels, source->channels - channel)};
        tile_multiply(t, &part);
      }
  }
}

/* ---- the loop over tiles ---- */

static void tile_find_pixels(const product_tile *t) {
  const product *p = t->p;
  for (int32_t r = 0; r < t->rows; r++) {
    const int32_t row = t->row + r, y = row / p->out_w;
    t->pixels[r] = (product_pixel){.picture = y / p->out_h,
                                   .y = y % p->out_h * p->stride - p->pad,
                                   .x = row % p->out_w * p->stride - p->pad};
  }
}

static void product_tile_run(void *user, int64_t item, int32_t worker) {
  const product *p = user;
  typedef struct workspace {
    _Alignas(64) float sums[TILE_ROWS * TILE_COLUMNS];
    float weights[BLOCK_DEPTH * TILE_COLUMNS];
    float copies[BLOCK_DEPTH * MOST_ROWS];
    float zeros[BLOCK_DEPTH];
    product_pixel pixels[TILE_ROWS];
  } workspace;
  _Static_assert(sizeof(workspace) <= CPU_WORKSPACE_BYTES, "a tile must fit the workspace");
  workspace *space = cpu_workspace(p->cpu, worker);
  memset(space->zeros, 0, sizeof space->zeros);
  product_tile tile = {.p = p,
                       .row = (int32_t)(item % p->row_tiles) * p->tile_rows,
                       .column = (int32_t)(item / p->row_tiles) * p->tile_columns,
                       .sums = space->sums,
                       .weights = space->weights,
                       .copies = space->copies,
                       .zeros = space->zeros,
                       .pixels = space->pixels};
  tile.rows = product_min(p->tile_rows, p->rows - tile.row);
  tile.columns = product_min(p->tile_columns, p->columns - tile.column);
  tile_find_pixels(&tile);
  tile_begin(&tile);
  tile_multiply_all(&tile);
  tile_end(&tile);
}

static void product_run(product *p) {
  const node *n = p->node;
  const tensor *x = n->in[IN_X], *y = n->op == OP_conv2d ? n->in[IN_Y] : NULL;
  const int32_t panel = p->cpu->isa->panel;
  p->weight = n->weights[WEIGHT_MAIN];
  p->sources[0] =
      (product_source){.data = cpu_address(p->cpu, x), .dtype = x->dtype, .channels = x->c};
  p->source_count = 1;
  if (y)
    p->sources[p->source_count++] = (product_source){
        .data = cpu_address(p->cpu, y), .dtype = y->dtype, .channels = y->c, .first = x->c};
  p->in_h = x->h;
  p->in_w = x->w;
  p->out_h = n->out->h;
  p->out_w = n->out->w;
  p->geglu = n->args.act == ACT_GEGLU;
  p->rows = (int32_t)tensor_rows(n->out);
  p->columns = product_ceil(n->out->c, panel) * panel * (p->geglu ? 2 : 1);
  product_choose_tiles(p);
  threads_run(p->cpu->pool, product_tiles(p), product_tile_run, p);
}

void cpu_linear(cpu_backend *cpu, const node *n) {
  product p = {.cpu = cpu, .node = n, .stride = 1};
  product_run(&p);
}

void cpu_conv2d(cpu_backend *cpu, const node *n) {
  product p = {.cpu = cpu,
               .node = n,
               .stride = n->args.stride,
               .pad = n->args.pad,
               .upsample = n->args.upsample};
  product_run(&p);
}
