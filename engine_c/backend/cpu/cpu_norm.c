/* cpu norms: group norm over one or two sources and layer norm. Owns their statistics, which are
 * double throughout, and the notice of non-finite inputs; knows no network.
 *
 * The cut of the work depends on shapes alone, so any number of threads gives the same bits. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "backend/cpu/cpu_backend.h"

enum {
  ITEM_NUMBERS = 65536, /* of one item: tens of microseconds */
  CHUNK_NUMBERS = 4096, /* of one pass over an item: stays in the nearest cache */
  SUM_ROWS = 4,         /* least rows of it that are summed */
  /* Worker 0's workspace ends with [n][splits][groups] sums, then [n][groups] of means. */
  SUMS_BYTES = CPU_WORKSPACE_BYTES / 4,
  SUMS_MAX = SUMS_BYTES / (int)(2 * sizeof(double)),
  NUMBERS_MAX = (CPU_WORKSPACE_BYTES - 2 * SUMS_BYTES) / 4 /* f32 in the rest */
};

typedef struct moments {
  double sum, squares;
} moments;

typedef struct group_norm {
  cpu_backend *cpu;
  const node *node;
  const float *scale, *shift;
  int32_t groups, group_channels, channels, pixels; /* pixels: of one row of the batch */
  int32_t splits, split_pixels;
  moments *sums;  /* [n][splits][groups] */
  moments *means; /* [n][groups]: mean and 1 / deviation */
} group_norm;

typedef struct layer_norm {
  cpu_backend *cpu;
  const node *node;
  const float *scale, *shift;
  int64_t rows, item_rows;
} layer_norm;

/* Lowers bad_node to the node that runs. */
static void norm_note_bad(cpu_backend *cpu) {
  int seen = atomic_load(&cpu->bad_node);
  while (cpu->node_index < seen &&
         !atomic_compare_exchange_weak(&cpu->bad_node, &seen, cpu->node_index)) {
  }
}

static char *norm_at(const cpu_backend *cpu, const tensor *t, int64_t index) {
  return (char *)cpu_address(cpu, t) + index * (t->dtype == SD_F32 ? 4 : 2);
}

/* `count` numbers of t from `index` on as f32: where they lie, or unpacked into `buffer`. */
static const float *norm_read(const cpu_backend *cpu, const tensor *t, int64_t index, int64_t count,
                              float *buffer) {
  const char *at = norm_at(cpu, t, index);
  if (t->dtype == SD_F32) return (const float *)(const void *)at;
  cpu->isa->unpack(buffer, at, t->dtype, (size_t)count);
  return buffer;
}

/* Rows of one pass over an item. */
static int32_t norm_chunk(int32_t channels, int32_t least) {
  const int32_t rows = CHUNK_NUMBERS / channels;
  return rows > least ? rows : least;
}

/* ---- group norm: statistics ---- */

/* Sums of each channel of the join, in a worker's memory. */
typedef struct channel_sums {
  double *sum, *squares;
} channel_sums;

/* Adds `rows` rows of `channels` numbers, four at a time: fewer passes over the sums. */
static void group_norm_add(double *restrict sum, double *restrict squares, const float *restrict x,
                           int32_t channels, int32_t rows) {
  for (; rows >= 4; rows -= 4, x += 4 * (int64_t)channels) {
    const float *x1 = x + channels, *x2 = x1 + channels, *x3 = x2 + channels;
    for (int32_t c = 0; c < channels; c++) {
      const double a = (double)x[c], b = (double)x1[c], d = (double)x2[c], e = (double)x3[c];
      sum[c] += (a + b) + (d + e);
      squares[c] += (a * a + b * b) + (d * d + e * e);
    }
  }
  for (; rows > 0; rows--, x += channels)
    for (int32_t c = 0; c < channels; c++) {
      const double a = (double)x[c];
      sum[c] += a;
      squares[c] += a * a;
    }
}

/* Adds pixels [first, end) of row n of one source to the sums of its channels. */
static void group_norm_source(const group_norm *g, channel_sums to, const tensor *t, int32_t n,
                              int32_t first, int32_t end, float *buffer) {
  const int32_t chunk = norm_chunk(t->c, SUM_ROWS);
  for (int32_t pixel = first; pixel < end; pixel += chunk) {
    const int32_t rows = end - pixel < chunk ? end - pixel : chunk;
    const int64_t index = ((int64_t)n * g->pixels + pixel) * t->c;
    const float *x = norm_read(g->cpu, t, index, (int64_t)rows * t->c, buffer);
    group_norm_add(to.sum, to.squares, x, t->c, rows);
  }
}

static void group_norm_sum(void *user, int64_t item, int32_t worker) {
  const group_norm *g = user;
  const tensor *x = g->node->in[IN_X], *y = g->node->in[IN_Y];
  const int32_t n = (int32_t)(item / g->splits);
  const int32_t first = (int32_t)(item % g->splits) * g->split_pixels;
  const int32_t end = g->pixels - first < g->split_pixels ? g->pixels : first + g->split_pixels;
  double *space = cpu_workspace(g->cpu, worker);
  const channel_sums all = {space, space + g->channels};
  float *buffer = (float *)(void *)(space + 2 * (int64_t)g->channels);
  memset(space, 0, 2 * (size_t)g->channels * sizeof(double));
  group_norm_source(g, all, x, n, first, end, buffer);
  if (y) {
    const channel_sums rest = {all.sum + x->c, all.squares + x->c};
    group_norm_source(g, rest, y, n, first, end, buffer);
  }
  moments *sums = g->sums + item * g->groups;
  for (int32_t i = 0, c = 0; i < g->groups; i++) {
    sums[i] = (moments){0, 0};
    for (const int32_t next = c + g->group_channels; c < next; c++) {
      sums[i].sum += all.sum[c];
      sums[i].squares += all.squares[c];
    }
  }
}

/* Merges the splits of each row of the batch, in order. */
static void group_norm_merge(const group_norm *g) {
  const double count = (double)g->pixels * g->group_channels;
  const int32_t batch = g->node->out->n;
  for (int32_t n = 0; n < batch; n++) {
    for (int32_t i = 0; i < g->groups; i++) {
      const moments *from = g->sums + (int64_t)n * g->splits * g->groups + i;
      double sum = 0, squares = 0;
      for (int32_t split = 0; split < g->splits; split++, from += g->groups) {
        sum += from->sum;
        squares += from->squares;
      }
      if (!isfinite(squares)) norm_note_bad(g->cpu);
      const double mean = sum / count, variance = fmax(squares / count - mean * mean, 0.0);
      g->means[(int64_t)n * g->groups + i] =
          (moments){mean, 1.0 / sqrt(variance + (double)g->node->args.eps)};
    }
  }
}

/* ---- group norm: application ---- */

/* Per channel, for row n of the batch: out = (in - center) * scale + shift, with the part of the
 * mean that f32 cannot hold in shift. */
typedef struct channel_affine {
  float *center, *scale, *shift;
} channel_affine;

static void group_norm_affine(const group_norm *g, const channel_affine *to, int32_t n) {
  const moments *means = g->means + (int64_t)n * g->groups;
  for (int32_t i = 0, c = 0; i < g->groups; i++) {
    const double mean = means[i].sum, rest = mean - (double)(float)mean;
    for (const int32_t next = c + g->group_channels; c < next; c++) {
      const double scale = means[i].squares * (double)g->scale[c];
      to->center[c] = (float)mean;
      to->scale[c] = (float)scale;
      to->shift[c] = (float)((double)g->shift[c] - rest * scale);
    }
  }
}

/* `rows` rows of one source into the channels of out [rows][stride] where the affine begins. */
static void group_norm_rows(float *out, int64_t stride, const float *x, int32_t channels,
                            int32_t rows, channel_affine by) {
  for (int32_t row = 0; row < rows; row++, out += stride, x += channels)
    for (int32_t c = 0; c < channels; c++)
      out[c] = (x[c] - by.center[c]) * by.scale[c] + by.shift[c];
}

static void group_norm_apply(void *user, int64_t item, int32_t worker) {
  const group_norm *g = user;
  const tensor *x = g->node->in[IN_X], *y = g->node->in[IN_Y], *out = g->node->out;
  const cpu_isa *isa = g->cpu->isa;
  const int32_t n = (int32_t)(item / g->splits),
                first = (int32_t)(item % g->splits) * g->split_pixels;
  const int32_t end = g->pixels - first < g->split_pixels ? g->pixels : first + g->split_pixels;
  const int32_t chunk = norm_chunk(g->channels, 1);
  float *space = cpu_workspace(g->cpu, worker);
  const channel_affine by = {space, space + g->channels, space + 2 * g->channels};
  float *buffer = space + 3 * g->channels, *result = buffer + (int64_t)chunk * g->channels;
  group_norm_affine(g, &by, n);
  for (int32_t pixel = first; pixel < end; pixel += chunk) {
    const int32_t rows = end - pixel < chunk ? end - pixel : chunk;
    const int64_t at = (int64_t)n * g->pixels + pixel, count = (int64_t)rows * g->channels;
    char *target = norm_at(g->cpu, out, at * g->channels);
    float *to = out->dtype == SD_F32 ? (float *)(void *)target : result;
    const float *from = norm_read(g->cpu, x, at * x->c, (int64_t)rows * x->c, buffer);
    group_norm_rows(to, g->channels, from, x->c, rows, by);
    if (y) {
      const channel_affine rest = {by.center + x->c, by.scale + x->c, by.shift + x->c};
      from = norm_read(g->cpu, y, at * y->c, (int64_t)rows * y->c, buffer);
      group_norm_rows(to + x->c, g->channels, from, y->c, rows, rest);
    }
    if (g->node->args.act == ACT_SILU) isa->silu_row(to, to, (size_t)count);
    if (out->dtype != SD_F32) isa->pack(target, to, out->dtype, (size_t)count);
  }
}

void cpu_group_norm(cpu_backend *cpu, const node *n) {
  const tensor *out = n->out;
  group_norm g = {.cpu = cpu,
                  .node = n,
                  .scale = n->weights[WEIGHT_MAIN]->packed,
                  .shift = n->weights[WEIGHT_BIAS]->packed,
                  .groups = n->args.groups,
                  .channels = out->c,
                  .pixels = out->h * out->w};
  g.group_channels = g.channels / g.groups;
  assert((int64_t)out->n * g.groups <= SUMS_MAX && g.channels <= NUMBERS_MAX / (SUM_ROWS + 8));
  const int32_t most = SUMS_MAX / (out->n * g.groups), wanted = ITEM_NUMBERS / g.channels;
  g.split_pixels = wanted > 1 ? wanted : 1;
  const int32_t least = (g.pixels + most - 1) / most; /* so that the sums fit */
  if (g.split_pixels < least) g.split_pixels = least;
  g.splits = (g.pixels + g.split_pixels - 1) / g.split_pixels;
  g.sums =
      (moments *)(void *)((char *)cpu_workspace(cpu, 0) + CPU_WORKSPACE_BYTES - 2 * SUMS_BYTES);
  g.means = g.sums + SUMS_MAX;
  threads_run(cpu->pool, (int64_t)out->n * g.splits, group_norm_sum, &g);
  group_norm_merge(&g);
  threads_run(cpu->pool, (int64_t)out->n * g.splits, group_norm_apply, &g);
}

/* ---- layer norm ---- */

/* The first pass finds the middle, from which the second measures: no large mean hides a small
 * deviation. */
static void layer_norm_row(const layer_norm *l, float *to, const float *x, int32_t channels) {
  double sum, squares;
  l->cpu->isa->moments_row(&sum, &squares, x, x[0], (size_t)channels);
  if (!isfinite(squares)) norm_note_bad(l->cpu);
  const float middle = (float)((double)x[0] + sum / channels);
  l->cpu->isa->moments_row(&sum, &squares, x, middle, (size_t)channels);
  const double rest = sum / channels, variance = fmax(squares / channels - rest * rest, 0.0);
  const float scale = (float)(1.0 / sqrt(variance + (double)l->node->args.eps));
  for (int32_t c = 0; c < channels; c++)
    to[c] = ((x[c] - middle) - (float)rest) * scale * l->scale[c] + l->shift[c];
}

static void layer_norm_run(void *user, int64_t item, int32_t worker) {
  const layer_norm *l = user;
  const tensor *x = l->node->in[IN_X], *out = l->node->out;
  const int32_t channels = out->c;
  float *buffer = cpu_workspace(l->cpu, worker), *result = buffer + channels;
  const int64_t first = item * l->item_rows;
  for (int64_t row = first; row < first + l->item_rows && row < l->rows; row++) {
    const float *from = norm_read(l->cpu, x, row * channels, channels, buffer);
    char *target = norm_at(l->cpu, out, row * channels);
    float *to = out->dtype == SD_F32 ? (float *)(void *)target : result;
    layer_norm_row(l, to, from, channels);
    if (out->dtype != SD_F32) l->cpu->isa->pack(target, to, out->dtype, (size_t)channels);
  }
}

void cpu_layer_norm(cpu_backend *cpu, const node *n) {
  layer_norm l = {.cpu = cpu,
                  .node = n,
                  .scale = n->weights[WEIGHT_MAIN]->packed,
                  .shift = n->weights[WEIGHT_BIAS]->packed,
                  .rows = tensor_rows(n->out)};
  assert(n->out->c <= NUMBERS_MAX / 2);
  l.item_rows = n->out->c < ITEM_NUMBERS ? ITEM_NUMBERS / n->out->c : 1;
  threads_run(cpu->pool, (l.rows + l.item_rows - 1) / l.item_rows, layer_norm_run, &l);
}
