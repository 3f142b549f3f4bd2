/* cpu norms: group norm over one or two sources and layer norm. Owns their statistics, which are
 * gathered in double, and the notice of non-finite inputs; knows no network.
 *
 * The cut of the work depends on shapes alone, so any number of threads gives the same bits. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "backend/cpu/cpu_backend.h"

enum {
  ITEM_NUMBERS = 65536, /* of one item of a large tensor: tens of microseconds */
  ITEMS = 16,           /* least of a tensor that is not small */
  ITEM_ROWS = 64,       /* least of one item, which has some work of its own for each channel */
  SHIFT_PIXELS = 4,     /* of it, that its moments are measured from */
  /* Worker 0's workspace ends with [n][splits][groups] sums, then [n][groups] of means. */
  SUMS_BYTES = CPU_WORKSPACE_BYTES / 4,
  SUMS_MAX = SUMS_BYTES / (int)(2 * sizeof(double)),
  CHANNELS_MAX = (CPU_WORKSPACE_BYTES - 2 * SUMS_BYTES) / (int)(3 * sizeof(double))
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
  int64_t rows, item_rows;
} layer_norm;

/* Lowers bad_node to the node that runs. */
static void norm_note_bad(cpu_backend *cpu) {
  int seen = atomic_load(&cpu->bad_node);
  while (cpu->node_index < seen &&
         !atomic_compare_exchange_weak(&cpu->bad_node, &seen, cpu->node_index)) {
  }
}

/* Rows of channels of an item of work over t, of which `rows` follow one another. */
static int32_t norm_item_rows(const tensor *t, int64_t rows, int64_t least) {
  const int64_t share = tensor_count(t) / ITEMS, most = share < ITEM_NUMBERS ? share : ITEM_NUMBERS;
  int64_t wanted = most / t->c;
  if (wanted < ITEM_ROWS) wanted = ITEM_ROWS;
  if (wanted < least) wanted = least;
  const int64_t items = (rows + wanted - 1) / wanted;
  return (int32_t)((rows + items - 1) / items);
}

static char *norm_at(const cpu_backend *cpu, const tensor *t, int64_t index) {
  return (char *)cpu_address(cpu, t) + index * (t->dtype == SD_F32 ? 4 : 2);
}

/* ---- group norm: statistics ---- */

/* Sums of the channels of the join over an item's pixels, less a shift, in a worker's workspace. */
typedef struct channel_sums {
  double *sum, *squares;
  float *shift;
} channel_sums;

/* `count` pixels of one source into the sums from channel `at` on. The mean of the first few is the
 * shift: rounding of squares then counts for little, even if one of them is far off. */
static void group_norm_source(const group_norm *g, const channel_sums *to, int32_t at,
                              const tensor *t, int64_t pixel, int32_t count) {
  cpu_moments m = {.sum = to->sum + at,
                   .squares = to->squares + at,
                   .shift = to->shift + at,
                   .in = norm_at(g->cpu, t, pixel * t->c),
                   .dtype = t->dtype,
                   .rows = count < SHIFT_PIXELS ? count : SHIFT_PIXELS,
                   .channels = t->c};
  g->cpu->isa->add_moments(&m);
  for (int32_t c = 0; c < t->c; c++) {
    to->shift[at + c] = (float)(m.sum[c] / m.rows);
    m.sum[c] = m.squares[c] = 0;
  }
  m.rows = count;
  g->cpu->isa->add_moments(&m);
}

/* The item's pixels: those of a split of a row of the batch. */
static int32_t group_norm_pixels(const group_norm *g, int64_t item, int64_t *first) {
  const int32_t from = (int32_t)(item % g->splits) * g->split_pixels;
  *first = item / g->splits * g->pixels + from;
  return g->pixels - from < g->split_pixels ? g->pixels - from : g->split_pixels;
}

static void group_norm_sum(void *user, int64_t item, int32_t worker) {
  const group_norm *g = user;
  const tensor *x = g->node->in[IN_X], *y = g->node->in[IN_Y];
  int64_t first;
  const int32_t count = group_norm_pixels(g, item, &first);
  double *space = (double *)cpu_workspace(g->cpu, worker);
  const channel_sums to = {space, space + g->channels, (float *)(void *)(space + 2 * g->channels)};
  memset(space, 0, (size_t)g->channels * (2 * sizeof *to.sum + sizeof *to.shift));
  group_norm_source(g, &to, 0, x, first, count);
  if (y) group_norm_source(g, &to, x->c, y, first, count);
  moments *sums = g->sums + item * g->groups;
  for (int32_t i = 0, c = 0; i < g->groups; i++) {
    sums[i] = (moments){0, 0};
    for (const int32_t next = c + g->group_channels; c < next; c++) {
      const double shift = (double)to.shift[c];
      sums[i].sum += to.sum[c] + count * shift;
      sums[i].squares += to.squares[c] + shift * (2 * to.sum[c] + count * shift);
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
  int32_t n;        /* -1: of none yet */
  float channels[]; /* [center, scale, shift][channels] */
} channel_affine;

static void group_norm_affine(const group_norm *g, channel_affine *to, int32_t n) {
  const moments *means = g->means + (int64_t)n * g->groups;
  float *center = to->channels, *scale = center + g->channels, *shift = scale + g->channels;
  to->n = n;
  for (int32_t i = 0, c = 0; i < g->groups; i++) {
    const double mean = means[i].sum, rest = mean - (double)(float)mean;
    for (const int32_t next = c + g->group_channels; c < next; c++) {
      const double by = means[i].squares * (double)g->scale[c];
      center[c] = (float)mean;
      scale[c] = (float)by;
      shift[c] = (float)((double)g->shift[c] - rest * by);
    }
  }
}

/* `count` pixels of one source into the channels of the join from `at` on. */
static void group_norm_scale(const group_norm *g, const float *affine, int32_t at, const tensor *t,
                             int64_t pixel, int32_t count) {
  const tensor *out = g->node->out;
  g->cpu->isa->scale_rows(&(cpu_norm_rows){.out = norm_at(g->cpu, out, pixel * out->c + at),
                                           .in = norm_at(g->cpu, t, pixel * t->c),
                                           .out_dtype = out->dtype,
                                           .dtype = t->dtype,
                                           .center = affine + at,
                                           .scale = affine + g->channels + at,
                                           .shift = affine + 2 * g->channels + at,
                                           .stride = out->c,
                                           .rows = count,
                                           .channels = t->c,
                                           .is_silu = g->node->args.act == ACT_SILU});
}

static void group_norm_apply(void *user, int64_t item, int32_t worker) {
  const group_norm *g = user;
  const tensor *x = g->node->in[IN_X], *y = g->node->in[IN_Y];
  int64_t first;
  const int32_t count = group_norm_pixels(g, item, &first), n = (int32_t)(item / g->splits);
  channel_affine *affine = cpu_workspace(g->cpu, worker);
  if (affine->n != n) group_norm_affine(g, affine, n);
  group_norm_scale(g, affine->channels, 0, x, first, count);
  if (y) group_norm_scale(g, affine->channels, x->c, y, first, count);
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
  assert((int64_t)out->n * g.groups <= SUMS_MAX && g.channels <= CHANNELS_MAX);
  const int32_t most = SUMS_MAX / (out->n * g.groups); /* splits whose sums fit */
  g.split_pixels = norm_item_rows(out, g.pixels, (g.pixels + most - 1) / most);
  g.splits = (g.pixels + g.split_pixels - 1) / g.split_pixels;
  g.sums =
      (moments *)(void *)((char *)cpu_workspace(cpu, 0) + CPU_WORKSPACE_BYTES - 2 * SUMS_BYTES);
  g.means = g.sums + SUMS_MAX;
  threads_run(cpu->pool, (int64_t)out->n * g.splits, group_norm_sum, &g);
  group_norm_merge(&g);
  for (int32_t i = 0; i < threads_count(cpu->pool); i++)
    ((channel_affine *)cpu_workspace(cpu, i))->n = -1;
  threads_run(cpu->pool, (int64_t)out->n * g.splits, group_norm_apply, &g);
}

/* ---- layer norm ---- */

static void layer_norm_run(void *user, int64_t item, int32_t worker) {
  (void)worker;
  const layer_norm *l = user;
  const tensor *x = l->node->in[IN_X], *out = l->node->out;
  const int64_t first = item * l->item_rows, left = l->rows - first;
  const cpu_norm_rows rows = {.out = norm_at(l->cpu, out, first * out->c),
                              .in = norm_at(l->cpu, x, first * out->c),
                              .out_dtype = out->dtype,
                              .dtype = x->dtype,
                              .scale = l->node->weights[WEIGHT_MAIN]->packed,
                              .shift = l->node->weights[WEIGHT_BIAS]->packed,
                              .stride = out->c,
                              .rows = (int32_t)(left < l->item_rows ? left : l->item_rows),

                              .channels = out->c,
                              .eps = l->node->args.eps};
  if (!l->cpu->isa->layer_norm_rows(&rows)) norm_note_bad(l->cpu);
}

void cpu_layer_norm(cpu_backend *cpu, const node *n) {
  layer_norm l = {.cpu = cpu, .node = n, .rows = tensor_rows(n->out)};
  l.item_rows = norm_item_rows(n->out, l.rows, 1);
  threads_run(cpu->pool, (l.rows + l.item_rows - 1) / l.item_rows, layer_norm_run, &l);
}
