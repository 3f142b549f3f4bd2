/* cpu attention: softmax(q k^T / sqrt(d)) v, head by head, without the matrix of all scores. Owns
 * the cut of the work and the running softmax; knows nothing of who asks.
 *
 * Scores stand transposed, [keys][queries], one panel of queries wide. So a block of scores is
 * already the packed operand of the second product, softmax runs down columns, no column is
 * wasted, whatever the head size d, and keys and values are read where they lie:
 *
 *   S = K Q                      K [keys][d]   Q [d][panel]
 *   W = 2^(c S - reference)      c: 1 / (sqrt(d) ln 2)
 *   O += V^T W                   V [keys][d]   O [d][panel]
 *
 * reference: what the exponents of a query are measured from. It is the largest score of the first
 * few keys and follows only when weights grow past FAR: softmax is the same for any reference, if
 * nothing overflows. Source of the running sums: Milakov and Gimelshein, Online normalizer
 * calculation for softmax. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "backend/cpu/cpu_attention.h"
#include "backend/cpu/cpu_transpose.h"

enum {
  BLOCK_NUMBERS = 16384, /* keys of a block times d: a block stays in the second cache */
  KEYS_UNIT = 12,        /* a multiple of every isa->rows */
  KEYS_MIN = 36,
  KEYS_MAX = 120,
  FIRST_KEYS = 16,
  ITEM_BYTES = 576 << 10,      /* of panels that blocks of keys pass by: in the second cache too */
  FLOPS_PER_COLUMN = 480000000 /* most of one item, times the panel's columns: 70 ms in f32 */
};
static const float FAR = 4096.0f; /* sum of a block's weights */
static const float LOG2_E = 1.44269504f;

/* One worker's memory. item_panels panels of queries and sums follow each other. */
typedef struct attention_scratch {
  float *keys;   /* [key_block][size], if they are not f32 where they lie */
  float *values; /* likewise */
  float *scores; /* [key_block][panel] */
  float *rows;   /* [panel][size]: rows on their way to or from storage */
  float *panels; /* of each an attention_panel's numbers */
} attention_scratch;

/* A block of keys and values, where they lie. */
typedef struct attention_block {
  const float *keys, *values;
  int64_t key_stride, value_stride;
  int32_t first, count;
} attention_block;

/* Floats, of whole cache lines. */
static int64_t attention_lines(int64_t count) { return attention_round(count, 16); }

static int64_t attention_panel_floats(const attention *a) {
  const int64_t panel = a->panel;
  return 2 * attention_lines(a->size * panel) + 2 * attention_lines(panel);
}

static attention_panel attention_panel_at(const attention *a, const attention_scratch *s,
                                          int32_t index) {
  const int64_t numbers = attention_lines((int64_t)a->size * a->panel);
  float *at = s->panels + index * attention_panel_floats(a);
  return (attention_panel){.sums = at,
                           .references = at + numbers,
                           .totals = at + numbers + attention_lines(a->panel),
                           .queries = at + numbers + 2 * attention_lines(a->panel)};
}

static attention_scratch attention_divide(const attention *a, float *at) {
  const int64_t block = attention_lines((int64_t)a->size * a->key_block);
  attention_scratch s = {.keys = at, .values = at + block, .scores = at + 2 * block};
  s.rows = s.scores + attention_lines((int64_t)a->panel * a->key_block);
  s.panels = s.rows + attention_lines((int64_t)a->panel * a->size);
  return s;
}

static void attention_measure(attention *a) {
  const int32_t block = BLOCK_NUMBERS / a->size / KEYS_UNIT * KEYS_UNIT;
  a->key_block = block < KEYS_MIN ? KEYS_MIN : block > KEYS_MAX ? KEYS_MAX : block;
  const attention_scratch s = attention_divide(a, cpu_workspace(a->cpu, 0));
  a->fixed_bytes = (s.panels - s.keys) * (int64_t)sizeof(float);
  a->panel_bytes = attention_panel_floats(a) * (int64_t)sizeof(float);
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

/* The item's queries; zeros past the last one. */
static void attention_load_queries(const attention *a, const attention_item *item,
                                   const attention_scratch *s) {
  for (int32_t p = item->first; p < item->end; p++) {
    const int32_t first = p * a->panel;
    const int32_t count = a->queries - first < a->panel ? a->queries - first : a->panel;
    const attention_panel panel = attention_panel_at(a, s, p - item->first);
    memset(panel.sums, 0, (size_t)attention_panel_floats(a) * sizeof(float)); /* all of it */
    int64_t stride;
    const float *from = attention_rows(a, a->q, item, item->n, first, count, s->rows, &stride);
    transpose_floats(panel.queries, a->panel, from, stride, count, a->size);
  }
}

void attention_hide(const attention *a, float *scores, int32_t first_query, int32_t first_key,
                    int32_t keys) {
  for (int32_t key = 0; a->causal && key < keys; key++) {
    const int32_t hidden = first_key + key - first_query; /* queries before the key */
    for (int32_t i = 0; i < hidden && i < a->panel; i++)
      scores[key * a->panel + i] = ATTENTION_HIDDEN;
  }
}

void attention_follow(const attention *a, const attention_panel *panel, const float *scores,
                      const float *first, int32_t keys) {
  float factors[ATTENTION_MOST_PANEL];
  int has_moved = 0;
  a->cpu->isa->find_peaks(factors, scores, keys);
  for (int32_t i = 0; i < a->panel; i++) {
    const float reference = panel->references[i], peak = factors[i] - first[i];
    const int is_first = panel->totals[i] == 0.0f, is_above = peak > reference;
    factors[i] = is_above && !is_first ? exp2f((reference - peak) * a->scale) : 1.0f;
    if (is_above || is_first) panel->references[i] = peak;
    panel->totals[i] *= factors[i];
    has_moved |= is_above && !is_first;
  }
  float *sums = panel->sums;
  for (int32_t line = 0; has_moved && line < a->size; line++, sums += a->panel)
    for (int32_t i = 0; i < a->panel; i++) sums[i] *= factors[i];
}

int32_t attention_weigh(const attention *a, const attention_panel *panel,
                        void (*weigh)(const cpu_weights *), float *scores, const float *first,
                        int32_t keys) {
  float totals[ATTENTION_MOST_PANEL], references[ATTENTION_MOST_PANEL];
  for (int32_t i = 0; i < a->panel; i++)
    references[i] = (panel->references[i] + first[i]) * a->scale;
  weigh(&(cpu_weights){.scores = scores,
                       .totals = totals,
                       .reference = references,
                       .scale = a->scale,
                       .keys = keys});
  int is_far = 0;
  for (int32_t i = 0; i < a->panel; i++) is_far |= totals[i] > FAR;
  if (is_far) return keys;
  for (int32_t i = 0; i < a->panel; i++) panel->totals[i] += totals[i];
  return 0;
}

/* Panel p of the queries against a block of keys. Scores that are too far above their references
 * are made again, after these have followed. Large ones begin at half of their negative reference,
 * so that sums on their way to it are half as large: half the error of rounding. */
static void attention_attend(const attention *a, const attention_scratch *s,
                             const attention_panel *panel, const attention_block *block,
                             int32_t p) {
  const cpu_isa *isa = a->cpu->isa;
  float first[ATTENTION_MOST_PANEL];
  int32_t follows = block->first ? 0 : block->count < FIRST_KEYS ? block->count : FIRST_KEYS;
  do {
    for (int32_t i = 0; i < a->panel; i++) first[i] = -0.5f * panel->references[i];
    isa->multiply_rows(&(cpu_strip){.a = block->keys,
                                    .stride = block->key_stride,
                                    .b = panel->queries,
                                    .tile = s->scores,
                                    .rows = block->count,
                                    .length = a->size,
                                    .first = first});
    attention_hide(a, s->scores, p * a->panel, block->first, block->count);
    if (follows) attention_follow(a, panel, s->scores, first, follows);
    follows = attention_weigh(a, panel, isa->weigh, s->scores, first, block->count);
  } while (follows);
  isa->multiply_columns(&(cpu_strip){.a = block->values,
                                     .stride = block->value_stride,
                                     .b = s->scores,
                                     .tile = panel->sums,
                                     .rows = a->size,
                                     .length = block->count});
}

void attention_store(const attention *a, const attention_item *item, int32_t p,
                     const attention_panel *panel, float *rows) {
  const int32_t columns = a->panel, size = a->size;
  float factors[ATTENTION_MOST_PANEL];
  for (int32_t i = 0; i < columns; i++)
    factors[i] = panel->totals[i] == 0.0f ? 0.0f : 1.0f / panel->totals[i]; /* 0: no keys */
  for (int32_t c = 0; c < size; c++)
    for (int32_t i = 0; i < columns; i++) panel->sums[(int64_t)c * columns + i] *= factors[i];
  transpose_floats(rows, size, panel->sums, columns, size, columns);
  for (int32_t i = 0; i < columns && p * columns + i < a->queries; i++)
    a->cpu->isa->pack(attention_at(a, a->out, item->n, p * columns + i, item->head),
                      rows + (int64_t)i * size, a->out->dtype, (size_t)size);
}

static void attention_run_f32(const attention *a, const attention_item *item, float *memory) {
  const attention_scratch s = attention_divide(a, memory);
  const int32_t n = attention_key_row(a, item);
  attention_load_queries(a, item, &s);
  attention_block block = {0};
  for (; block.first < item->keys; block.first += a->key_block) {
    const int32_t left = item->keys - block.first;
    block.count = left < a->key_block ? left : a->key_block;
    block.keys =
        attention_rows(a, a->k, item, n, block.first, block.count, s.keys, &block.key_stride);
    block.values =
        attention_rows(a, a->v, item, n, block.first, block.count, s.values, &block.value_stride);
    for (int32_t p = item->first; p < item->end; p++) {
      const attention_panel panel = attention_panel_at(a, &s, p - item->first);
      attention_attend(a, &s, &panel, &block, p);
    }
  }
  for (int32_t p = item->first; p < item->end; p++) {
    const attention_panel panel = attention_panel_at(a, &s, p - item->first);
    attention_store(a, item, p, &panel, s.rows);
  }
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

/* Cuts the queries of a head into ranges: long ones, so that a block of keys is fetched for many
 * queries, but short enough for a quick cancel, for the workspace and for all workers to share. */
static void attention_cut(attention *a, int64_t heads_in_all) {
  a->panels = (a->queries + a->panel - 1) / a->panel;
  int64_t flops = 4 * (int64_t)a->keys * a->size * a->panel;
  int64_t most = (int64_t)FLOPS_PER_COLUMN * a->panel / flops;
  const int64_t room = ITEM_BYTES / a->panel_bytes;
  if (most > room) most = room;
  if (most < 1) most = 1;
  assert(a->fixed_bytes + most * a->panel_bytes <= CPU_WORKSPACE_BYTES);
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
  a.scale = LOG2_E / sqrtf((float)a.size);
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
