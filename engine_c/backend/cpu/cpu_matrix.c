/* cpu_matrix: linear and conv2d, as one product, save what suits cpu_winograd.c. A linear is a
 * convolution with one tap.
 *
 *   out[pixel][column] = act(bias + channel_add + residual + sum over tap, source, channel of
 *                            source[pixel moved by tap][channel] * weight[tap][channel][column])
 *
 * Work is handed out in tiles of output pixels x columns. A tile's sums stand in f32 in the
 * worker's workspace; they begin as bias and channel_add, take one block of K after the other (taps
 * x channels: the weights of a block as f32 in the workspace, the pixels read where they lie
 * through addresses, or through a small f32 copy if they are f16; or, in bf16, as cpu_pairs.c does
 * it), and are then stored through act, with the residual. Owns tiles and blocks; knows neither the
 * instruction set nor who asks. */
#include <string.h>

#include "backend/cpu/cpu_product.h"
#include "base/half.h"
#include "graph/ops.h"

enum {
  TILE_ROWS = 384, /* most of any kind */
  TILE_COLUMNS = MOST_TILE_COLUMNS,
  BLOCK_DEPTH = 320,    /* most k of a block in f32 */
  PAIRS_CHANNELS = 512, /* most of a block in pairs: its rows stay in the first cache */
  TILES_PER_WORKER = 8, /* at least, for an even end */
  MOST_TAPS = 9,
  MOST_ROWS = 16 /* of a block in f32, of any instruction set */
};

/* How large the tiles of a kind of product are. */
typedef struct matrix_limits {
  int32_t tile_rows, least_blocks; /* most rows, and few blocks of rows: not cut further */
  int32_t depth;                   /* most k of a block */
  int32_t most_channels, channels; /* of a block, and what they are a multiple of, cut */
  int64_t work;                    /* most multiplications of a tile: under 10 ms */
} matrix_limits;

static const matrix_limits IN_F32 = {192, 8, BLOCK_DEPTH, BLOCK_DEPTH, 1, 1 << 28};
static const matrix_limits IN_PAIRS = {TILE_ROWS,      3,      PAIRS_DEPTH, PAIRS_CHANNELS,
                                       OPS_BF16_BLOCK, 1 << 30};

/* How a product is cut. */
typedef struct matrix {
  product p;
  const matrix_limits *limits;
  int32_t block_rows, tile_rows, tile_columns, row_tiles;
} matrix;

typedef struct matrix_tile {
  product_tile t;
  float *weights; /* [panel][k of the block][isa->panel] */
  float *copies;  /* [tap][block row][channel]: f16 pixels as f32 */
  float *zeros;   /* a pixel outside the picture */
  product_pairs_space *pairs;
} matrix_tile;

/* ---- tiles ---- */

static int64_t matrix_tiles(const matrix *m) {
  return (int64_t)m->row_tiles * product_ceil(m->p.columns, m->tile_columns);
}

/* Large tiles load and convert least; smaller ones, first in columns, keep every worker busy. */
static void matrix_choose_tiles(matrix *m) {
  const product *p = &m->p;
  const cpu_isa *isa = p->cpu->isa;
  const int32_t unit = p->geglu ? 2 * isa->panel : isa->panel, units = p->columns / unit;
  const int64_t depth = (int64_t)p->weight->in * p->kernel * p->kernel;
  const int64_t wanted = (int64_t)threads_count(p->cpu->pool) * TILES_PER_WORKER;
  const int32_t blocks = product_ceil(p->rows, m->block_rows);
  int32_t most_units = TILE_COLUMNS / unit, most_rows = m->limits->tile_rows;
  for (;;) {
    m->tile_columns = unit * product_even(units, most_units);
    m->tile_rows = m->block_rows * product_even(blocks, most_rows / m->block_rows);
    m->row_tiles = product_ceil(p->rows, m->tile_rows);
    const int64_t work = depth * m->tile_rows * m->tile_columns;
    if (matrix_tiles(m) >= wanted && work <= m->limits->work) return;
    if (m->tile_columns > unit)
      most_units = product_min(most_units, units) / 2;
    else if (m->tile_rows > m->limits->least_blocks * m->block_rows)
      most_rows = m->tile_rows / 2;
    else
      return;
  }
}

/* ---- blocks of K ---- */

/* Weights of a part, for each panel of the tile, as f32. */
static void tile_unpack_weights(const matrix_tile *tile, const product_part *part) {
  const product_tile *t = &tile->t;
  const int32_t panel = t->p->cpu->isa->panel;
  float *out = tile->weights;
  for (int32_t i = t->column / panel; i < (t->column + t->columns) / panel; i++)
    for (int32_t tap = part->tap; tap < part->tap + part->taps; tap++) {
      product_unpack_weights(t->p, out, i, tap, part->source->first + part->channel,
                             part->channels);
      out += part->channels * panel;
    }
}

/* a[tap][row]: addresses of f32 channels. */
static void tile_addresses(const matrix_tile *tile, const product_part *part, int32_t first,
                           int32_t rows, const float **a) {
  const product_tile *t = &tile->t;
  const product *p = t->p;
  const sd_dtype dtype = part->source->dtype;
  float *copy = tile->copies;
  for (int32_t tap = part->tap; tap < part->tap + part->taps; tap++)
    for (int32_t r = 0; r < rows; r++, a++) {
      const char *pixel = product_tap_address(p, part, tap, t->pixels + first + r);
      *a = pixel ? (const float *)(const void *)pixel : tile->zeros;
      if (!pixel || dtype == SD_F32) continue;
      p->cpu->isa->unpack(copy, pixel, dtype, (size_t)part->channels);
      *a = copy;
      copy += part->channels;
    }
}

/* Asks the memory for the part's channels of pixel `row` of the tile. */
static void tile_prefetch(const matrix_tile *tile, const product_part *part, int32_t row) {
  enum { LINE_BYTES = 64 };
  const product_tile *t = &tile->t;
  if (row >= t->rows) return;
  const size_t bytes = (size_t)part->channels * half_dtype_bytes(part->source->dtype);
  for (int32_t tap = part->tap; tap < part->tap + part->taps; tap++) {
    const char *pixel = product_tap_address(t->p, part, tap, t->pixels + row);
    for (size_t i = 0; pixel && i < bytes; i += LINE_BYTES) __builtin_prefetch(pixel + i);
  }
}

static void tile_multiply(const matrix_tile *tile, const product_part *part) {
  const product_tile *t = &tile->t;
  const cpu_isa *isa = t->p->cpu->isa;
  const int32_t panels = t->columns / isa->panel;
  const float *a[MOST_TAPS * MOST_ROWS];
  tile_unpack_weights(tile, part);
  for (int32_t r = 0; r < t->rows; r += isa->rows) {
    cpu_block block = {.a = a,
                       .b = tile->weights,
                       .tile = t->sums + (int64_t)r * t->stride,
                       .stride = t->stride,
                       .rows = product_min(isa->rows, t->rows - r),
                       .segments = part->taps,
                       .length = part->channels,
                       .first = t->first,
                       .accumulate = !part->is_first};
    tile_addresses(tile, part, r, block.rows, a);
    for (int32_t i = 0, ahead = 0; i < panels; i++) {
      for (; ahead < isa->rows * (i + 1) / panels;
           ahead++) /* the next block's pixels, bit by bit */
        tile_prefetch(tile, part, r + isa->rows + ahead);
      isa->block(&block);
      block.tile += isa->panel;
      if (block.first) block.first += isa->panel;
      block.b += (int64_t)part->taps * part->channels * isa->panel;
    }
  }
}

static void tile_multiply_all(const matrix_tile *tile, const matrix_limits *limits) {
  const product *p = tile->t.p;
  const int32_t taps = p->kernel * p->kernel;
  for (int32_t s = 0; s < p->source_count; s++) {
    const product_source *source = &p->sources[s];
    const int32_t unit = limits->channels;
    const int32_t channels =
        unit * product_even(source->channels / unit, limits->most_channels / unit);
    const int32_t group = product_even(taps, product_min(taps, limits->depth / channels));
    for (int32_t tap = 0; tap < taps; tap += group)
      for (int32_t channel = 0; channel < source->channels; channel += channels) {
        const product_part part = {.source = source,
                                   .tap = tap,
                                   .taps = product_min(group, taps - tap),
                                   .channel = channel,
                                   .channels = product_min(channels, source->channels - channel),
                                   .is_first = s == 0 && tap == 0 && channel == 0};
        if (limits == &IN_PAIRS)
          product_multiply_pairs(&tile->t, &part, tile->pairs);
        else
          tile_multiply(tile, &part);
      }
  }
}

/* ---- the loop over tiles ---- */

static void matrix_tile_run(void *user, int64_t item, int32_t worker) {
  const matrix *m = user;
  const product *p = &m->p;
  typedef struct workspace {
    _Alignas(64) float sums[TILE_ROWS * TILE_COLUMNS];
    float weights[BLOCK_DEPTH * TILE_COLUMNS];
    float copies[BLOCK_DEPTH * MOST_ROWS];
    float zeros[BLOCK_DEPTH];
    product_pairs_space pairs;
    product_pixel pixels[TILE_ROWS];
  } workspace;
  _Static_assert(sizeof(workspace) <= CPU_WORKSPACE_BYTES, "a tile must fit the workspace");
  workspace *space = cpu_workspace(p->cpu, worker);
  memset(space->zeros, 0, sizeof space->zeros);
  const int32_t row = (int32_t)(item % m->row_tiles) * m->tile_rows;
  const int32_t column = (int32_t)(item / m->row_tiles) * m->tile_columns;
  matrix_tile tile = {.t = {.p = p,
                            .rows = product_min(m->tile_rows, p->rows - row),
                            .column = column,
                            .columns = product_min(m->tile_columns, p->columns - column),
                            .sums = space->sums,
                            .stride = m->tile_columns,
                            .pixels = space->pixels},
                      .weights = space->weights,
                      .copies = space->copies,
                      .zeros = space->zeros,
                      .pairs = &space->pairs};
  product_pixels(p, space->pixels, row, tile.t.rows);
  float first[TILE_COLUMNS];
  tile.t.first = product_first(&tile.t, first);
  const int is_pairs = m->limits == &IN_PAIRS;
  if (is_pairs) p->cpu->isa->begin_pairs();
  tile_multiply_all(&tile, m->limits);
  if (is_pairs) p->cpu->isa->end_pairs();
  product_end(&tile.t);
}

static void matrix_run(cpu_backend *cpu, const node *n) {
  matrix m = {0};
  product_open(&m.p, cpu, n);
  const int is_pairs = product_is_pairs(&m.p);
  if (!is_pairs && product_suits_winograd(&m.p)) {
    product_run_winograd(&m.p);
    return;
  }
  m.limits = is_pairs ? &IN_PAIRS : &IN_F32;
  m.block_rows = is_pairs ? CPU_PAIR_ROWS : cpu->isa->rows;
  for (int32_t phase = 0; phase < (m.p.in_phases ? CPU_PHASES : 1); phase++) {
    if (m.p.in_phases) product_choose_phase(&m.p, phase);
    matrix_choose_tiles(&m);
    threads_run(cpu->pool, matrix_tiles(&m), matrix_tile_run, &m);
  }
}

void cpu_linear(cpu_backend *cpu, const node *n) { matrix_run(cpu, n); }
void cpu_conv2d(cpu_backend *cpu, const node *n) { matrix_run(cpu, n); }
