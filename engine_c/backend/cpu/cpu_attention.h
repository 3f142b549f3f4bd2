/* cpu_attention: what its two ways share, in f32 (cpu_attention.c) and in pairs of bf16 numbers
 * (cpu_attention_pairs.c): a node, opened, and its cut into items. */
#ifndef CPU_ATTENTION_H
#define CPU_ATTENTION_H

#include "backend/cpu/cpu_backend.h"

enum { ATTENTION_MOST_PANEL = 64 /* widest panel and tallest block of any instruction set */ };

static const float ATTENTION_HIDDEN = -1e30f; /* a score; finite, so that no inf - inf arises */

typedef struct attention {
  const cpu_backend *cpu;
  const tensor *q, *k, *v, *out;
  const int32_t *key_counts;   /* NULL: all keys */
  int32_t heads, size, causal; /* size: channels of a head */
  int32_t queries, keys;       /* of one row of the batch */
  int32_t panel, key_block, is_pairs;
  int32_t panels, ranges;           /* panels in all queries; items they are cut into */
  int64_t fixed_bytes, panel_bytes; /* of the workspace: whatever the item, and for each panel */
  float scale;                      /* of scores, for powers of two */
} attention;

/* What one item computes: panels [first, end) of one head of one row of the batch. */
typedef struct attention_item {
  int32_t n, head, first, end, keys;
} attention_item;

/* A panel of queries and its running sums. */
typedef struct attention_panel {
  float *sums;                /* [size][panel] */
  float *references, *totals; /* [panel]; references are scores */
  void *queries;              /* [size][panel] f32 or [size / 2][panel][2] bf16 */
} attention_panel;

/* Address of a head's channels in row `row` of batch row n. */
char *attention_at(const attention *a, const tensor *t, int32_t n, int32_t row, int32_t head);

/* The batch row of k and v that the item reads. */
int32_t attention_key_row(const attention *a, const attention_item *item);

/* Hides the keys from first_key on from earlier queries, if the node is causal. */
void attention_hide(const attention *a, float *scores, int32_t first_query, int32_t first_key,
                    int32_t keys);

/* Moves the references of a panel to the largest of its scores[keys][panel], if that is larger.
 * first[panel]: what is still to be taken off the scores. */
void attention_follow(const attention *a, const attention_panel *panel, const float *scores,
                      const float *first, int32_t keys);

/* Weighs the scores by `weigh` and adds up. Where one is far above its reference, it adds nothing
 * and returns how many keys the references have to follow (all), else 0. */
int32_t attention_weigh(const attention *a, const attention_panel *panel,
                        void (*weigh)(const cpu_weights *), float *scores, const float *first,
                        int32_t keys);

/* Divides panel p's sums by its totals and stores them; rows[panel][size] is overwritten. */
void attention_store(const attention *a, const attention_item *item, int32_t p,
                     const attention_panel *panel, float *rows);

/* Sets key_block and the bytes. */
void attention_measure_pairs(attention *a);
void attention_run_pairs(const attention *a, const attention_item *item, char *memory);

static inline int64_t attention_round(int64_t count, int64_t unit) {
  return (count + unit - 1) / unit * unit;
}

#endif
