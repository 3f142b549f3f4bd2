/* cpu_winograd: conv2d of 3 x 3 taps by Winograd's F(2x2, 3x3) (Lavin and Gray 2015): 16 products
 * for 4 output pixels in place of 36. Where the input is enlarged twofold, 7 of the 16 places of a
 * patch are zero, so that 9 are left.
 *
 * Work is handed out in groups of patches x columns. For some channels at a time, weights and
 * pixels are transformed into the worker's workspace, and each place is a product of its own,
 * [patch][channel] times [channel][column]. Nothing of it outlives the group. Owns groups and
 * places; knows neither the instruction set nor who asks. */
#include <string.h>

#include "backend/cpu/cpu_product.h"
#include "base/half.h"

enum {
  PLACES = 16,
  GROUP_PATCHES = 48,
  GROUP_COLUMNS = 128,
  GROUP_DEPTH = 64,      /* channels transformed at a time */
  GROUPS_PER_WORKER = 8, /* at least, for an even end */
  LEAST_CHANNELS = 16,   /* below, the transforms cost more than they save */
  LEAST_PATCHES = 16,
  MOST_ROWS = 16 /* of a block, of any instruction set */
};

typedef struct winograd {
  const product *p;
  int32_t patch_h, patch_w, patches; /* of a picture: rows, columns; of all pictures */
  int32_t group_patches, group_columns, patch_groups;
} winograd;

typedef struct winograd_space {
  _Alignas(64) float sums[PLACES * GROUP_PATCHES * GROUP_COLUMNS]; /* [place][patch][column] */
  float weights[PLACES * GROUP_DEPTH * GROUP_COLUMNS]; /* [panel][place][channel][isa->panel] */
  float taps[9 * GROUP_DEPTH * MOST_PANEL];            /* of one panel */
  float patches[PLACES * GROUP_PATCHES * GROUP_DEPTH]; /* [place][patch][channel] */
  float copies[PLACES * GROUP_DEPTH];                  /* f16 pixels of a patch as f32 */
  float zeros[GROUP_DEPTH];                            /* a pixel outside the picture */
  float pixels_out[4 * GROUP_PATCHES * GROUP_COLUMNS]; /* [pixel][column] */
  product_pixel corners[GROUP_PATCHES];                /* a patch's first output pixel */
} winograd_space;
_Static_assert(sizeof(winograd_space) <= CPU_WORKSPACE_BYTES, "a group must fit the workspace");

typedef struct winograd_group {
  const winograd *w;
  int32_t patches, column, columns;
  winograd_space *space;
} winograd_group;

/* Some channels of one source. */
typedef struct winograd_part {
  const product_source *source;
  int32_t channel, channels, is_first;
} winograd_part;

int product_suits_winograd(const product *p) {
  const weight *w = p->weight;
  const int32_t enlarged = p->upsample ? 2 : 1;
  return w->kernel_h == 3 && w->kernel_w == 3 && p->stride == 1 && p->pad == 1 &&
         p->out_h == enlarged * p->in_h && p->out_w == enlarged * p->in_w &&
         w->in >= LEAST_CHANNELS && w->out >= LEAST_CHANNELS && p->rows >= 4 * LEAST_PATCHES;
}

/* Places that are zero for every enlarged picture: the third row and column. */
static int winograd_is_zero(const product *p, int32_t place) {
  return p->upsample && (place / 4 == 2 || place % 4 == 2);
}

static product_pixel winograd_corner(const winograd *w, int32_t patch) {
  const product *p = w->p;
  const int32_t y = patch / w->patch_w, picture = y / w->patch_h;
  const int32_t top = 2 * (y % w->patch_h), left = 2 * (patch % w->patch_w);
  return (product_pixel){
      .row = (picture * p->out_h + top) * p->out_w + left, .picture = picture, .y = top, .x = left};
}

static void group_transform_weights(const winograd_group *g, const winograd_part *part) {
  const product *p = g->w->p;
  const cpu_isa *isa = p->cpu->isa;
  const size_t count = (size_t)(part->channels * isa->panel);
  float *out = g->space->weights;
  for (int32_t i = g->column; i < g->column + g->columns; i += isa->panel, out += PLACES * count) {
    for (int32_t tap = 0; tap < 9; tap++)
      product_unpack_weights(p, g->space->taps + (size_t)tap * count, i / isa->panel, tap,
                             part->source->first + part->channel, part->channels);
    isa->winograd_filter(out, count, g->space->taps, count);
  }
}

static void group_transform_patches(const winograd_group *g, const winograd_part *part) {
  const product *p = g->w->p;
  const cpu_isa *isa = p->cpu->isa;
  const sd_dtype dtype = part->source->dtype;
  const size_t channels = (size_t)part->channels;
  for (int32_t i = 0; i < g->patches; i++) {
    const float *from[PLACES];
    for (int32_t place = 0; place < PLACES; place++) {
      product_pixel at = g->space->corners[i];
      at.y += place / 4 - 1;
      at.x += place % 4 - 1;
      const char *pixel = product_address(p, part->source, part->channel, &at);
      float *copy = g->space->copies + (size_t)place * channels;
      from[place] = pixel ? (const float *)(const void *)pixel : g->space->zeros;
      if (!pixel || dtype == SD_F32) continue;
      isa->unpack(copy, pixel, dtype, channels);
      from[place] = copy;
    }
    isa->winograd_input(g->space->patches + (size_t)i * channels, GROUP_PATCHES * channels, from,
                        channels);
  }
}

/* sums[place] (+)= patches[place] * weights[place]. */
static void group_multiply(const winograd_group *g, const winograd_part *part, int32_t place) {
  const cpu_isa *isa = g->w->p->cpu->isa;
  const int64_t channels = part->channels, panel = isa->panel;
  const float *patches = g->space->patches + place * GROUP_PATCHES * channels;
  float *sums = g->space->sums + (int64_t)place * GROUP_PATCHES * g->columns;
  for (int32_t r = 0; r < g->patches; r += isa->rows) {
    const float *a[MOST_ROWS];
    cpu_block block = {.a = a,
                       .b = g->space->weights + place * channels * panel,
                       .tile = sums + (int64_t)r * g->columns,
                       .stride = g->columns,
                       .rows = product_min(isa->rows, g->patches - r),
                       .segments = 1,
                       .length = part->channels,
                       .accumulate = !part->is_first};
    for (int32_t i = 0; i < block.rows; i++) a[i] = patches + (r + i) * channels;
    for (int32_t i = 0; i < g->columns; i += isa->panel) {
      isa->block(&block);
      block.tile += panel;
      block.b += PLACES * channels * panel;
    }
  }
}

static void group_multiply_all(const winograd_group *g) {
  const product *p = g->w->p;
  for (int32_t s = 0; s < p->source_count; s++) {
    const product_source *source = &p->sources[s];
    const int32_t step = product_even(source->channels, GROUP_DEPTH);
    for (int32_t channel = 0; channel < source->channels; channel += step) {
      const winograd_part part = {.source = source,
                                  .channel = channel,
                                  .channels = product_min(step, source->channels - channel),
                                  .is_first = s == 0 && channel == 0};
      group_transform_weights(g, &part);
      group_transform_patches(g, &part);
      for (int32_t place = 0; place < PLACES; place++)
        if (!winograd_is_zero(p, place)) group_multiply(g, &part, place);
    }
  }
}

/* Turns the sums into pixels and stores them; those beyond an odd edge fall away. */
static void group_end(const winograd_group *g) {
  const product *p = g->w->p;
  winograd_space *space = g->space;
  product_pixel pixels[4 * GROUP_PATCHES];
  product_tile tile = {.p = p,
                       .column = g->column,
                       .columns = g->columns,
                       .sums = space->pixels_out,
                       .stride = g->columns,
                       .pixels = pixels};
  float *out[4 * GROUP_PATCHES];
  for (int32_t i = 0; i < 4 * g->patches; i++) {
    product_pixel at = space->corners[i / 4];
    const int32_t down = i % 4 / 2, right = i % 2;
    const int is_inside = at.y + down < p->out_h && at.x + right < p->out_w;
    out[i] = is_inside ? tile.sums + (int64_t)tile.rows * tile.stride : NULL;
    if (!is_inside) continue;
    at.row += down * p->out_w + right;
    pixels[tile.rows++] = at;
  }
  for (int32_t i = 0; i < g->patches; i++)
    p->cpu->isa->winograd_output(out + 4 * i, space->sums + (int64_t)i * g->columns,
                                 (size_t)GROUP_PATCHES * (size_t)g->columns, (size_t)g->columns);
  product_end(&tile);
}

static void winograd_group_run(void *user, int64_t item, int32_t worker) {
  const winograd *w = user;
  winograd_space *space = cpu_workspace(w->p->cpu, worker);
  const int32_t patch = (int32_t)(item % w->patch_groups) * w->group_patches;
  const int32_t column = (int32_t)(item / w->patch_groups) * w->group_columns;
  const winograd_group group = {.w = w,
                                .patches = product_min(w->group_patches, w->patches - patch),
                                .column = column,
                                .columns = product_min(w->group_columns, w->p->columns - column),
                                .space = space};
  memset(space->zeros, 0, sizeof space->zeros);
  for (int32_t place = 0; place < PLACES; place++) /* those that no product fills */
    if (winograd_is_zero(w->p, place))
      memset(space->sums + (int64_t)place * GROUP_PATCHES * group.columns, 0,
             (size_t)(GROUP_PATCHES * group.columns) * sizeof(float));
  for (int32_t i = 0; i < group.patches; i++) space->corners[i] = winograd_corner(w, patch + i);
  group_multiply_all(&group);
  group_end(&group);
}

void product_run_winograd(const product *p) {
  const cpu_isa *isa = p->cpu->isa;
  winograd w = {.p = p,
                .patch_h = product_ceil(p->out_h, 2),
                .patch_w = product_ceil(p->out_w, 2),
                .group_columns =
                    isa->panel * product_even(p->columns / isa->panel, GROUP_COLUMNS / isa->panel)};
  w.patches = p->node->out->n * w.patch_h * w.patch_w;
  const int32_t column_groups = product_ceil(p->columns, w.group_columns);
  const int32_t wanted =
      product_ceil(threads_count(p->cpu->pool) * GROUPS_PER_WORKER, column_groups);
  const int32_t most = product_min(GROUP_PATCHES, product_ceil(w.patches, wanted));
  w.group_patches = product_even(w.patches, most < LEAST_PATCHES ? LEAST_PATCHES : most);
  w.patch_groups = product_ceil(w.patches, w.group_patches);
  threads_run(p->cpu->pool, (int64_t)w.patch_groups * column_groups, winograd_group_run, &w);
}
