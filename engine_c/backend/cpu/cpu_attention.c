/* cpu attention: softmax(q k^T / sqrt(d)) v, head by head, without the matrix of all scores. Owns
 * the cut of the work and the running softmax; knows nothing of who asks.
 *
 * Scores stand transposed, [keys][queries], one panel of queries wide. So a block of scores is
 * already the packed operand of the second product, softmax runs down columns, and no column is
 * wasted, whatever the head size d. Each product carries one line more, which saves a pass each:
 *
 *   S  = K Q          K [keys][d + 1], last column 1    Q [d + 1][panel], last row -reference
 *   O += V exp(S)     V [d + 1][keys], last row 1       O [d + 1][panel], last row: sum of exp(S)
 *
 * reference: what the exponents of a query are measured from. It follows the largest score only
 * when that is more than SLACK above it: softmax is the same for any reference, if nothing
 * overflows. Source of the running sums: Milakov and Gimelshein, Online normalizer calculation for
 * softmax. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "backend/cpu/cpu_attention.h"

enum {
  STRIP = 8,             /* columns that are transposed together */
  BLOCK_NUMBERS = 16384, /* keys of a block times d: a block stays in the second cache */
  KEYS_MIN = 32,
  KEYS_MAX = 128,
  FLOPS_PER_COLUMN = 34000000 /* of one item, times the panel's columns: about 10 ms */
};
static const float SLACK = 8.0f;

/* One worker's memory. item_panels panels of queries and sums follow each other. */
typedef struct attention_scratch {
  float *keys;    /* [key_block][size + 1] */
  float *values;  /* [size + 1][key_block] */
  float *scores;  /* [key_block][panel] */
  float *rows;    /* [panel][size]: rows on their way to or from storage */
  float *queries; /* [item_panels][size + 1][panel] */
  float *sums;    /* [item_panels][size + 1][panel] */
} attention_scratch;

/* Floats, of whole cache lines. */
static int64_t attention_lines(int64_t count) { return attention_round(count, 16); }

static int64_t attention_panel_floats(const attention *a) {
  return attention_lines((int64_t)(a->size + 1) * a->panel);
}

/* item_panels 0: only what does not follow from them. */
static attention_scratch attention_divide(const attention *a, float *at, int32_t item_panels) {
  const int64_t line = a->size + 1;
  attention_scratch s = {.keys = at};
  s.values = s.keys + attention_lines(line * a->key_block);
  s.scores = s.values + attention_lines(line * a->key_block);
  s.rows = s.scores + attention_lines(a->panel * a->key_block);
  s.queries = s.rows + attention_lines((int64_t)a->panel * a->size);
  s.sums = s.queries + item_panels * attention_panel_floats(a);
  return s;
}

static void attention_measure(attention *a) {
  const int32_t block = BLOCK_NUMBERS / a->size / 16 * 16;
  a->key_block = block < KEYS_MIN ? KEYS_MIN : block > KEYS_MAX ? KEYS_MAX : block;
  const attention_scratch s = attention_divide(a, cpu_workspace(a->cpu, 0), 0);
  a->fixed_bytes = (s.sums - s.keys) * (int64_t)sizeof(float);
  a->panel_bytes = 2 * attention_panel_floats(a) * (int64_t)sizeof(float);
}

/* out[column][row] = in[row][column], a strip of columns after the other: each is written whole
 * while it is near. */
static void attention_transpose(float *restrict out, int64_t out_stride, const float *restrict in,
                                int64_t in_stride, int32_t rows, int32_t columns) {
  for (int32_t first = 0; first < columns; first += STRIP) {
    const int32_t width = columns - first < STRIP ? columns - first : STRIP;
    int32_t row = 0;
    for (; row + 4 <= rows; row += 4) {
      const float *a = in + row * in_stride + first;
      const float *b = a + in_stride, *c = b + in_stride, *d = c + in_stride;
      float *to = out + first * out_stride + row;
      for (int32_t column = 0; column < width; column++, to += out_stride) {
        to[0] = a[column];
        to[1] = b[column];
        to[2] = c[column];
        to[3] = d[column];
      }
    }
    for (; row < rows; row++)
      for (int32_t column = first; column < first + width; column++)
        out[column * out_stride + row] = in[row * in_stride + column];
  }
}

char *attention_at(const attention *a, const tensor *t, int32_t n, int32_t row, int32_t head) {
  int64_t index = ((int64_t)n * t->h * t->w + row) * t->c + (int64_t)head * a->size;
  return (char *)cpu_address(a->cpu, t) + index * (t->dtype == SD_F32 ? 4 : 2);
}

int32_t attention_key_row(const attention *a, const attention_item *item) {
  return (int32_t)((int64_t)item->n * a->k->n / a->q->n);
}

/* `count` rows of one head as f32: where they lie, or unpacked into `rows`. */
static const float *attention_rows(const attention *a, const tensor *t, const attention_item *item,
                                   int32_t n, int32_t first, int32_t count, float *rows,
                                   int64_t *stride) {
  *stride = t->c;
  if (t->dtype == SD_F32)
    return (const float *)(const void *)attention_at(a, t, n, first, item->head);
  *stride = a->size;
  for (int32_t i = 0; i < count; i++)
    a->cpu->isa->unpack(rows + (int64_t)i * a->size, attention_at(a, t, n, first + i, item->head),
                        t->dtype, (size_t)a->size);
  return rows;
}

static void attention_load_queries(const attention *a, const attention_item *item,
                                   const attention_scratch *s) {
  int64_t numbers = (int64_t)a->size * a->panel, step = attention_panel_floats(a);
  float *to = s->queries;
  for (int32_t p = item->first; p < item->end; p++, to += step) {
    int32_t first = p * a->panel, count = a->queries - first;
    if (count > a->panel) count = a->panel;
    int64_t stride;
    const float *from = attention_rows(a, a->q, item, item->n, first, count, s->rows, &stride);
    /* Zeros: the reference, and columns past the last query. */
    memset(to, 0, (size_t)step * sizeof(float));
    attention_transpose(to, a->panel, from, stride, count, a->size);
    for (int64_t i = 0; i < numbers; i++) to[i] *= a->scale;
  }
  memset(s->sums, 0, (size_t)((item->end - item->first) * step) * sizeof(float));
}

/* Keys and values [first, first + count) of the row of k and v that the item reads. */
static void attention_load_keys(const attention *a, const attention_item *item,
                                const attention_scratch *s, int32_t first, int32_t count) {
  const int32_t n = attention_key_row(a, item);
  for (int32_t i = 0; i < count; i++) {
    float *row = s->keys + (int64_t)i * (a->size + 1);
    a->cpu->isa->unpack(row, attention_at(a, a->k, n, first + i, item->head), a->k->dtype,
                        (size_t)a->size);
    row[a->size] = 1.0f;
    s->values[(int64_t)a->size * a->key_block + i] = 1.0f;
  }
  for (int32_t i = 0; i < count; i += a->panel) {
    int32_t rows = count - i < a->panel ? count - i : a->panel;
    int64_t stride;
    const float *from = attention_rows(a, a->v, item, n, first + i, rows, s->rows, &stride);
    attention_transpose(s->values + i, a->key_block, from, stride, rows, a->size);
  }
}

/* tile[rows][panel] (+)= matrix[rows][length] b[length][panel], in blocks of about equal height. */
static void attention_product(const attention *a, float *tile, const float *matrix, int64_t stride,
                              int32_t rows, int32_t length, const float *b, int32_t accumulate) {
  const cpu_isa *isa = a->cpu->isa;
  const float *lines[ATTENTION_MOST_PANEL];
  int32_t blocks = (rows + isa->rows - 1) / isa->rows;
  for (int32_t i = 0, first = 0; i < blocks; i++) {
    int32_t count = (rows - first) / (blocks - i);
    for (int32_t r = 0; r < count; r++) lines[r] = matrix + (first + r) * stride;
    isa->block(&(cpu_block){.a = lines,
                            .b = b,
                            .tile = tile + (int64_t)first * isa->panel,
                            .stride = isa->panel,
                            .rows = count,
                            .segments = 1,
                            .length = length,
                            .accumulate = accumulate});
    first += count;
  }
}

static float attention_larger(float a, float b) { return a > b ? a : b; }

int attention_peaks(float *restrict peaks, const float *restrict scores, int32_t keys,
                    int32_t panel, float limit) {
  memcpy(peaks, scores, (size_t)panel * sizeof(float));
  int32_t key = 0;
  for (; key + 4 <= keys;
       key += 4, scores += 4 * panel) /* four at a time: fewer passes over peaks */
    for (int32_t i = 0; i < panel; i++) {
      const float a = attention_larger(scores[i], scores[i + panel]);
      const float b = attention_larger(scores[i + 2 * panel], scores[i + 3 * panel]);
      peaks[i] = attention_larger(attention_larger(a, b), peaks[i]);
    }
  for (; key < keys; key++, scores += panel)
    for (int32_t i = 0; i < panel; i++) peaks[i] = attention_larger(scores[i], peaks[i]);
  int above = 0;
  for (int32_t i = 0; i < panel; i++) above |= peaks[i] > limit;
  return above;
}

void attention_hide(const attention *a, float *scores, int32_t first_query, int32_t first_key,
                    int32_t keys) {
  for (int32_t key = 0; a->causal && key < keys; key++) {
    const int32_t hidden = first_key + key - first_query; /* queries before the key */
    for (int32_t i = 0; i < hidden && i < a->panel; i++)
      scores[key * a->panel + i] = ATTENTION_HIDDEN;
  }
}

/* Moves the references of a panel up by `shift` (0 or more, after the first block any number). */
static void attention_move(const attention *a, float *scores, float *queries, float *sums,
                           const float *shift, int32_t keys, int32_t is_first) {
  const int32_t panel = a->panel;
  float factors[ATTENTION_MOST_PANEL];
  for (int32_t i = 0; i < panel; i++) queries[(int64_t)a->size * panel + i] -= shift[i];
  for (int32_t key = 0; key < keys; key++, scores += panel)
    for (int32_t i = 0; i < panel; i++) scores[i] -= shift[i];
  if (is_first) return; /* no sums yet */
  for (int32_t i = 0; i < panel; i++) factors[i] = expf(-shift[i]);
  for (int32_t line = 0; line <= a->size; line++, sums += panel)
    for (int32_t i = 0; i < panel; i++) sums[i] *= factors[i];
}

/* One panel of queries, from query `first_query` on, against the block of keys in the scratch. */
static void attention_attend(const attention *a, const attention_scratch *s, float *queries,
                             float *sums, int32_t first_query, int32_t first_key, int32_t keys) {
  const int32_t panel = a->panel, line = a->size + 1;
  attention_product(a, s->scores, s->keys, line, keys, line, queries, 0);
  attention_hide(a, s->scores, first_query, first_key, keys);
  float shift[ATTENTION_MOST_PANEL];
  const int32_t is_first = first_key == 0;
  if (attention_peaks(shift, s->scores, keys, panel, SLACK) || is_first) {
    for (int32_t i = 0; i < panel; i++)
      if (!is_first && !(shift[i] > SLACK)) shift[i] = 0.0f;
    attention_move(a, s->scores, queries, sums, shift, keys, is_first);
  }
  a->cpu->isa->exp_row(s->scores, s->scores, (size_t)keys * (size_t)panel);
  attention_product(a, sums, s->values, a->key_block, line, keys, s->scores, 1);
}

void attention_store(const attention *a, const attention_item *item, int32_t p, float *sums,
                     const float *totals, float *rows) {
  const int32_t panel = a->panel, size = a->size;
  float factors[ATTENTION_MOST_PANEL];
  for (int32_t i = 0; i < panel; i++)
    factors[i] = totals[i] == 0.0f ? 0.0f : 1.0f / totals[i]; /* 0: no keys */
  for (int32_t c = 0; c < size; c++)
    for (int32_t i = 0; i < panel; i++) sums[(int64_t)c * panel + i] *= factors[i];
  attention_transpose(rows, size, sums, panel, size, panel);
  for (int32_t i = 0; i < panel && p * panel + i < a->queries; i++)
    a->cpu->isa->pack(attention_at(a, a->out, item->n, p * panel + i, item->head),
                      rows + (int64_t)i * size, a->out->dtype, (size_t)size);
}

static void attention_run_f32(const attention *a, const attention_item *item, float *memory) {
  const int64_t step = attention_panel_floats(a);
  const attention_scratch s = attention_divide(a, memory, item->end - item->first);
  attention_load_queries(a, item, &s);
  for (int32_t key = 0; key < item->keys; key += a->key_block) {
    int32_t keys = item->keys - key < a->key_block ? item->keys - key : a->key_block;
    attention_load_keys(a, item, &s, key, keys);
    for (int32_t p = item->first; p < item->end; p++) {
      const int64_t at = (p - item->first) * step;
      attention_attend(a, &s, s.queries + at, s.sums + at, p * a->panel, key, keys);
    }
  }
  float *sums = s.sums;
  for (int32_t p = item->first; p < item->end; p++, sums += step)
    attention_store(a, item, p, sums, sums + (int64_t)a->size * a->panel, s.rows);
}

static void attention_run(void *user, int64_t index, int32_t worker) {
  const attention *a = user;
  const int32_t range = (int32_t)(index % a->ranges),
                head = (int32_t)(index / a->ranges % a->heads);
  attention_item item = {.n = (int32_t)(index / a->ranges / a->heads), .head = head};
  item.first = (int32_t)((int64_t)a->panels * range / a->ranges);
  item.end = (int32_t)((int64_t)a->panels * (range + 1) / a->ranges);
  item.keys = a->key_counts ? a->key_counts[(int64_t)item.n * a->k->n / a->q->n] : a->keys;
  if (item.keys > a->keys) item.keys = a->keys;
  if (a->causal && item.keys > item.end * a->panel) item.keys = item.end * a->panel;
  if (a->is_pairs)
    attention_run_pairs(a, &item, cpu_workspace(a->cpu, worker));
  else
    attention_run_f32(a, &item, cpu_workspace(a->cpu, worker));
}

/* Cuts the queries of a head into ranges: long ones, so that a block of keys is packed for many
 * queries, but short enough for a quick cancel, for the workspace and for all workers to share. */
static void attention_cut(attention *a, int64_t heads_in_all) {
  a->panels = (a->queries + a->panel - 1) / a->panel;
  int64_t flops = 4 * (int64_t)a->keys * a->size * a->panel;
  int64_t most = (int64_t)FLOPS_PER_COLUMN * a->panel / flops;
  int64_t room = (CPU_WORKSPACE_BYTES - a->fixed_bytes) / a->panel_bytes;
  assert(room > 0);
  if (most > room) most = room;
  if (most < 1) most = 1;
  int64_t ranges = (a->panels + most - 1) / most;
  int64_t shared = 4 * threads_count(a->cpu->pool) / heads_in_all; /* four items a worker */
  if (ranges < shared) ranges = shared;
  a->ranges = (int32_t)(ranges < a->panels ? ranges : a->panels);
}

void cpu_attention(cpu_backend *cpu, const node *n) {
  const tensor *counts = n->in[IN_KEY_COUNTS];
  attention a = {.cpu = cpu,
                 .q = n->in[IN_Q],
                 .k = n->in[IN_K],
                 .v = n->in[IN_V],
                 .out = n->out,
                 .key_counts = counts ? cpu_address(cpu, counts) : NULL,
                 .heads = n->args.heads,
                 .causal = n->args.causal,
                 .panel = cpu->isa->panel};
  a.is_pairs = cpu->isa->multiply_pairs && a.q->dtype == SD_BF16 && a.k->dtype == SD_BF16 &&
               a.v->dtype == SD_BF16;
  assert(cpu->isa->panel <= ATTENTION_MOST_PANEL && cpu->isa->rows <= ATTENTION_MOST_PANEL);
  a.size = a.q->c / a.heads;
  a.scale = 1.0f / sqrtf((float)a.size);
  a.queries = a.q->h * a.q->w;
  a.keys = a.k->h * a.k->w;
  int64_t heads_in_all = (int64_t)a.q->n * a.heads;
  if (a.is_pairs)
    attention_measure_pairs(&a);
  else
    attention_measure(&a);
  attention_cut(&a, heads_in_all);
  threads_run(cpu->pool, heads_in_all * a.ranges, attention_run, &a);
}
