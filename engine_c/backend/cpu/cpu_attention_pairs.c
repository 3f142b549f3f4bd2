/* cpu attention in bf16: both products in pairs of bf16 numbers with sums in f32, scores and
 * softmax in f32. Scores stand transposed, as in cpu_attention.c, so that weights are packed where
 * they are made:
 *
 *   S = K Q            K [keys][d]   Q [d / 2][panel][2 of d]
 *   W = 2^(c S - reference)          [keys / 2][panel][2 keys], in the place of S
 *   O += V W           V [d][keys]   O [d][panel]
 *
 * Queries, keys and values are taken as they are; only the weights are rounded once more, and
 * what is divided by is the sum of the rounded ones. Owns the scratch of an item; knows neither
 * the instruction set nor who asks. */
#include <string.h>

#include "backend/cpu/cpu_attention.h"
#include "backend/cpu/cpu_transpose.h"
#include "graph/ops.h"

enum {
  BLOCK_NUMBERS = 65536, /* keys of a block times d: a block stays in the second cache */
  KEYS_MIN = 32,         /* multiples of every pair_depth */
  KEYS_MAX = 128
};

/* One worker's memory. depth: d up to a multiple of isa->pair_depth; lines: d up to one of
 * CPU_PAIR_HALF. */
typedef struct pairs_scratch {
  int64_t depth;
  uint16_t *keys;   /* [key_block][depth] */
  uint16_t *values; /* [lines][key_block] */
  float *scores;    /* [key_block][panel], then weights: [key_block / 2][panel][2] */
  void *rows;       /* [panel][d] f32 or [panel][depth] bf16: rows on their way */
  char *panels;     /* of each an attention_panel's numbers, sums: [lines][panel] */
} pairs_scratch;

static int64_t pairs_depth(const attention *a) {
  return attention_round(a->size, a->cpu->isa->pair_depth);
}

static int64_t pairs_lines(const attention *a) { return attention_round(a->size, CPU_PAIR_HALF); }

/* Takes `count` numbers of `size` bytes each. */
static void *pairs_take(char **memory, int64_t count, size_t size) {
  void *taken = *memory;
  *memory += attention_round(count * (int64_t)size, 64);
  return taken;
}

static pairs_scratch pairs_divide(const attention *a, char **memory) {
  const int64_t depth = pairs_depth(a), block = a->key_block, panel = a->panel;
  return (pairs_scratch){.depth = depth,
                         .keys = pairs_take(memory, block * depth, sizeof(uint16_t)),
                         .values = pairs_take(memory, pairs_lines(a) * block, sizeof(uint16_t)),
                         .scores = pairs_take(memory, block * panel, sizeof(float)),
                         .rows = pairs_take(memory, panel * depth, sizeof(float)),
                         .panels = *memory};
}

static attention_panel pairs_panel_at(const attention *a, char **memory) {
  const int64_t panel = a->panel;
  return (attention_panel){.sums = pairs_take(memory, pairs_lines(a) * panel, sizeof(float)),
                           .references = pairs_take(memory, panel, sizeof(float)),
                           .totals = pairs_take(memory, panel, sizeof(float)),
                           .queries = pairs_take(memory, pairs_depth(a) * panel, sizeof(uint16_t))};
}

void attention_measure_pairs(attention *a) {
  const int32_t block = BLOCK_NUMBERS / a->size / KEYS_MIN * KEYS_MIN;
  a->key_block = block < KEYS_MIN ? KEYS_MIN : block > KEYS_MAX ? KEYS_MAX : block;
  char *start = cpu_workspace(a->cpu, 0), *end = start;
  pairs_divide(a, &end);
  a->fixed_bytes = end - start;
  start = end;
  pairs_panel_at(a, &end);
  a->panel_bytes = end - start;
}

/* out[count][depth] = rows of the item's head, zeros past d. */
static void pairs_copy(const attention *a, const tensor *t, const attention_item *item, int32_t n,
                       int32_t first, int32_t count, uint16_t *out) {
  const int64_t depth = pairs_depth(a);
  const size_t bytes = (size_t)a->size * sizeof *out;
  for (int32_t i = 0; i < count; i++, out += depth) {
    memcpy(out, attention_at(a, t, n, first + i, item->head), bytes);
    memset(out + a->size, 0, (size_t)depth * sizeof *out - bytes);
  }
}

/* Panel p of the queries; zeros past d and past the last query. */
static void pairs_load_queries(const attention *a, const attention_item *item,
                               const pairs_scratch *s, int32_t p, const attention_panel *to) {
  const int32_t first = p * a->panel;
  const int32_t count = a->queries - first < a->panel ? a->queries - first : a->panel;
  char *end = to->queries;
  pairs_take(&end, pairs_depth(a) * a->panel, sizeof(uint16_t));
  memset(to->sums, 0, (size_t)(end - (char *)to->sums)); /* the queries lie last */
  pairs_copy(a, a->q, item, item->n, first, count, s->rows);
  const int32_t pairs = (int32_t)s->depth / 2;
  transpose_floats(to->queries, a->panel, s->rows, pairs, count, pairs);
}

/* Keys and values [first, first + count); zeros for the values up to `padded`. */
static void pairs_load_keys(const attention *a, const attention_item *item, const pairs_scratch *s,
                            int32_t first, int32_t count, int32_t padded) {
  const int32_t n = attention_key_row(a, item);
  pairs_copy(a, a->k, item, n, first, count, s->keys);
  transpose_words(s->values, a->key_block, attention_at(a, a->v, n, first, item->head), a->v->c,
                  count, a->size);
  for (int32_t line = 0; padded > count && line < a->size; line++)
    memset(s->values + (int64_t)line * a->key_block + count, 0,
           (size_t)(padded - count) * sizeof(uint16_t));
}

/* tile[rows][panel] (+)= matrix[rows][length] b, in blocks of rows. */
static void pairs_product(const attention *a, float *tile, const uint16_t *matrix, int64_t stride,
                          int32_t rows, int32_t length, const uint16_t *b, int32_t accumulate) {
  const int64_t bytes = stride * (int64_t)sizeof *matrix;
  for (int32_t row = 0; row < rows; row += CPU_PAIR_ROWS) {
    const uint16_t *at = matrix + row * stride;
    const cpu_rows halves[2] = {{at, bytes}, {at + CPU_PAIR_HALF * stride, bytes}};
    a->cpu->isa->multiply_pairs(
        &(cpu_pairs){.a = halves,
                     .b = b,
                     .tile = tile + (int64_t)row * a->panel,
                     .stride = a->panel,
                     .rows = rows - row < CPU_PAIR_ROWS ? rows - row : CPU_PAIR_ROWS,
                     .segments = 1,
                     .length = length,
                     .panels = 1,
                     .accumulate = accumulate});
  }
}

/* Panel p of the queries against the block of keys in the scratch: see attention_attend. References
 * begin with the largest score of a whole block, whose weight, 1, is not rounded. */
static void pairs_attend(const attention *a, const pairs_scratch *s, const attention_panel *panel,
                         int32_t p, int32_t first_key, int32_t keys, int32_t padded) {
  static const float zeros[ATTENTION_MOST_PANEL];
  int32_t follows = first_key == 0 ? keys : 0;
  do {
    pairs_product(a, s->scores, s->keys, s->depth, padded, (int32_t)s->depth, panel->queries, 0);
    attention_hide(a, s->scores, p * a->panel, first_key, keys);
    for (int32_t i = keys * a->panel; i < padded * a->panel; i++) s->scores[i] = ATTENTION_HIDDEN;
    if (follows) attention_follow(a, panel, s->scores, zeros, follows);
    follows = attention_weigh(a, panel, a->cpu->isa->weigh_pairs, s->scores, zeros, padded);
  } while (follows);
  pairs_product(a, panel->sums, s->values, a->key_block, a->size, padded,
                (const uint16_t *)s->scores, 1);
}

void attention_run_pairs(const attention *a, const attention_item *item, char *memory) {
  const cpu_isa *isa = a->cpu->isa;
  const pairs_scratch s = pairs_divide(a, &memory);
  for (int32_t p = item->first; p < item->end; p++) {
    const attention_panel panel = pairs_panel_at(a, &memory);
    pairs_load_queries(a, item, &s, p, &panel);
  }
  isa->begin_pairs();
  for (int32_t key = 0; key < item->keys; key += a->key_block) {
    const int32_t keys = item->keys - key < a->key_block ? item->keys - key : a->key_block;
    const int32_t padded = (int32_t)attention_round(keys, isa->pair_depth);
    pairs_load_keys(a, item, &s, key, keys, padded);
    memory = s.panels;
    for (int32_t p = item->first; p < item->end; p++) {
      const attention_panel panel = pairs_panel_at(a, &memory);
      pairs_attend(a, &s, &panel, p, key, keys, padded);
    }
  }
  isa->end_pairs();
  memory = s.panels;
  for (int32_t p = item->first; p < item->end; p++) {
    const attention_panel panel = pairs_panel_at(a, &memory);
    attention_store(a, item, p, &panel, s.rows);
  }
}
