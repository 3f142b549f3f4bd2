/* cpu_winograd: conv2d of 3 x 3 taps by Winograd's convolution (Lavin and Gray 2015). F(4x4, 3x3)
 * takes 36 products for 16 output pixels in place of 144. Where the input is enlarged twofold, 7 of
 * the 16 places of a patch of F(2x2, 3x3) are zero, so that 9 products for 4 pixels are as few.
 *
 * Work is handed out in groups of patches x columns. For some channels at a time, pixels and a
 * panel of weights are transformed into the worker's workspace, and each place is a product of its
 * own, [patch][channel] times [channel][column]. Nothing of it outlives the group. Owns groups and
 * places; knows neither the instruction set nor who asks. */
#include <string.h>

#include "backend/cpu/cpu_product.h"
#include "base/half.h"

enum {
  SIDE = 6, /* pixels of a patch */
  SIDE_ENLARGED = 4,
  PLACES = SIDE * SIDE,
  PATCH_PIXELS = (SIDE - 2) * (SIDE - 2), /* that a patch gives */
  GROUP_PATCHES = 48,
  GROUP_COLUMNS = 128,
  GROUP_DEPTH = 64,      /* channels transformed at a time */
  TAPS_DEPTH = 8,        /* of which so many as f32 taps: they stay in the first cache */
  APART = 16,            /* numbers between rows, so that they do not share sets of a cache */
  GROUPS_PER_WORKER = 2, /* at least, for an even end */
  LEAST_CHANNELS = 16,   /* below, the transforms cost more than they save */
  LEAST_ROWS = 64,
  MOST_ROWS = 16, /* of a block, of any instruction set */
  LINE_BYTES = 64
};

typedef struct winograd {
  const product *p;
  int32_t side;
  int32_t patch_h, patch_w, patches; /* of a picture: rows, columns; of all pictures */
  int32_t group_patches, group_columns, patch_groups;
} winograd;

typedef struct winograd_space {
  _Alignas(64) float sums[PLACES][GROUP_PATCHES * GROUP_COLUMNS + APART]; /* [patch][column] */
  float weights[PLACES][GROUP_DEPTH * MOST_PANEL + APART];    /* [channel][isa->panel] */
  float taps[9][TAPS_DEPTH * MOST_PANEL + APART];             /* the same */
  float patches[PLACES][GROUP_PATCHES * GROUP_DEPTH + APART]; /* [patch][channel] */
  float copies[PLACES][GROUP_DEPTH];                          /* f16 pixels of a patch as f32 */
  float zeros[GROUP_DEPTH];                                   /* a pixel outside the picture */
  float pixels_out[PATCH_PIXELS * GROUP_COLUMNS];             /* [pixel][column] */
  product_pixel corners[GROUP_PATCHES];                       /* a patch's first output pixel */
  const char *pixels[GROUP_PATCHES][PLACES]; /* of one source, NULL outside the picture */
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
         w->in >= LEAST_CHANNELS && w->out >= LEAST_CHANNELS && p->rows >= LEAST_ROWS;
}

static int32_t winograd_places(const winograd *w) { return w->side * w->side; }

/* Places that are zero for every enlarged picture: the third row and column. */
static int winograd_is_zero(const winograd *w, int32_t place) {
  return w->side == SIDE_ENLARGED && (place / SIDE_ENLARGED == 2 || place % SIDE_ENLARGED == 2);
}

static product_pixel winograd_corner(const winograd *w, int32_t patch) {
  const product *p = w->p;
  const int32_t y = patch / w->patch_w, picture = y / w->patch_h, step = w->side - 2;
  const int32_t top = step * (y % w->patch_h), left = step * (patch % w->patch_w);
  return (product_pixel){
      .row = (picture * p->out_h + top) * p->out_w + left, .picture = picture, .y = top, .x = left};
}

/* Those of the panel at `column`. */
static void group_transform_weights(const winograd_group *g, const winograd_part *part,
                                    int32_t column) {
  const product *p = g->w->p;
  const cpu_isa *isa = p->cpu->isa;
  winograd_space *space = g->space;
  for (int32_t i = 0; i < part->channels; i += TAPS_DEPTH) {
    const int32_t channels = product_min(TAPS_DEPTH, part->channels - i);
    for (int32_t tap = 0; tap < 9; tap++)
      product_unpack_weights(p, space->taps[tap], column / isa->panel, tap,
                             part->source->first + part->channel + i, channels);
    isa->winograd_filter(space->weights[0] + (int64_t)i * isa->panel,
                         sizeof space->weights[0] / sizeof(float), space->taps[0],
                         sizeof space->taps[0] / sizeof(float), (size_t)(channels * isa->panel),
                         g->w->side);
  }
}

static void group_find_pixels(const winograd_group *g, const product_source *source) {
  const winograd *w = g->w;
  for (int32_t i = 0; i < g->patches; i++) {
    const char **pixel = g->space->pixels[i];
    for (int32_t y = -1; y < w->side - 1; y++)
      for (int32_t x = -1; x < w->side - 1; x++) {
        product_pixel at = g->space->corners[i];
        at.y += y;
        at.x += x;
        *pixel++ = product_address(w->p, source, 0, &at);
      }
  }
}

/* Asks the memory for the part's channels of a patch. */
static void group_prefetch(const winograd_group *g, const winograd_part *part, int32_t patch) {
  if (patch == g->patches) return;
  const size_t size = half_dtype_bytes(part->source->dtype);
  const size_t first = (size_t)part->channel * size, bytes = (size_t)part->channels * size;
  for (int32_t place = 0; place < winograd_places(g->w); place++) {
    const char *pixel = g->space->pixels[patch][place];
    for (size_t i = 0; pixel && i < bytes; i += LINE_BYTES) __builtin_prefetch(pixel + first + i);
  }
}

static void group_transform_patches(const winograd_group *g, const winograd_part *part) {
  const winograd *w = g->w;
  const cpu_isa *isa = w->p->cpu->isa;
  winograd_space *space = g->space;
  const sd_dtype dtype = part->source->dtype;
  const size_t channels = (size_t)part->channels;
  const size_t first = (size_t)part->channel * half_dtype_bytes(dtype);
  for (int32_t i = 0; i < g->patches; i++) {
    const float *from[PLACES];
    group_prefetch(g, part, i + 1);
    for (int32_t place = 0; place < winograd_places(w); place++) {
      const char *pixel = space->pixels[i][place];
      from[place] = pixel ? (const float *)(const void *)(pixel + first) : space->zeros;
      if (!pixel || dtype == SD_F32) continue;
      isa->unpack(space->copies[place], pixel + first, dtype, channels);
      from[place] = space->copies[place];
    }
    isa->winograd_input(space->patches[0] + (size_t)i * channels,
                        sizeof space->patches[0] / sizeof(float), from, channels, w->side);
  }
}

/* sums[place] (+)= patches[place] * weights[place], of the panel at `column`. */
static void group_multiply(const winograd_group *g, const winograd_part *part, int32_t column,
                           int32_t place) {
  const cpu_isa *isa = g->w->p->cpu->isa;
  winograd_space *space = g->space;
  for (int32_t r = 0; r < g->patches; r += isa->rows) {
    const float *a[MOST_ROWS];
    const cpu_block block = {.a = a,
                             .b = space->weights[place],
                             .tile = space->sums[place] + r * g->columns + column - g->column,
                             .stride = g->columns,
                             .rows = product_min(isa->rows, g->patches - r),
                             .segments = 1,
                             .length = part->channels,
                             .accumulate = !part->is_first};
    for (int32_t i = 0; i < block.rows; i++)
      a[i] = space->patches[place] + (r + i) * part->channels;
    isa->block(&block);
  }
}

static void group_multiply_all(const winograd_group *g) {
  const product *p = g->w->p;
  for (int32_t s = 0; s < p->source_count; s++) {
    const product_source *source = &p->sources[s];
    const int32_t step = product_even(source->channels, GROUP_DEPTH);
    group_find_pixels(g, source);
    for (int32_t channel = 0; channel < source->channels; channel += step) {
      const winograd_part part = {.source = source,
                                  .channel = channel,
                                  .channels = product_min(step, source->channels - channel),
                                  .is_first = s == 0 && channel == 0};
      group_transform_patches(g, &part);
      for (int32_t i = g->column; i < g->column + g->columns; i += p->cpu->isa->panel) {
        group_transform_weights(g, &part, i);
        for (int32_t place = 0; place < winograd_places(g->w); place++)
          if (!winograd_is_zero(g->w, place)) group_multiply(g, &part, i, place);
      }
    }
  }
}

/* Turns a patch's sums into pixels and stores them; those beyond the picture's edge fall away. */
static void group_end(const winograd_group *g, int32_t patch) {
  const winograd *w = g->w;
  const product *p = w->p;
  winograd_space *space = g->space;
  const int32_t step = w->side - 2;
  product_pixel pixels[PATCH_PIXELS];
  product_tile tile = {.p = p,
                       .column = g->column,
                       .columns = g->columns,
                       .sums = space->pixels_out,
                       .stride = g->columns,
                       .pixels = pixels};
  float *out[PATCH_PIXELS];
  for (int32_t i = 0; i < step * step; i++) {
    product_pixel at = space->corners[patch];
    const int32_t down = i / step, right = i % step;
    const int is_inside = at.y + down < p->out_h && at.x + right < p->out_w;
    out[i] = is_inside ? tile.sums + (int64_t)tile.rows * tile.stride : NULL;
    if (!is_inside) continue;
    at.row += down * p->out_w + right;
    pixels[tile.rows++] = at;
  }
  p->cpu->isa->winograd_output(out, space->sums[0] + (int64_t)patch * g->columns,
                               sizeof space->sums[0] / sizeof(float), (size_t)g->columns, w->side);
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
  for (int32_t place = 0; place < winograd_places(w); place++) /* those that no product fills */
    if (winograd_is_zero(w, place)) memset(space->sums[place], 0, sizeof space->sums[place]);
  for (int32_t i = 0; i < group.patches; i++) space->corners[i] = winograd_corner(w, patch + i);
  group_multiply_all(&group);
  for (int32_t i = 0; i < group.patches; i++) group_end(&group, i);
}

/* Each group transforms its patches once for its columns and weights once for its patches, and a
 * patch costs about twice as much: what costs less is cut until every worker has enough. */
static int64_t winograd_choose_groups(winograd *w) {
  const product *p = w->p;
  const int32_t panel = p->cpu->isa->panel, panels = p->columns / panel;
  const int64_t wanted = (int64_t)threads_count(p->cpu->pool) * GROUPS_PER_WORKER;
  int32_t most_patches = GROUP_PATCHES, most_panels = GROUP_COLUMNS / panel;
  for (;;) {
    const int32_t group_panels = product_even(panels, most_panels);
    w->group_patches = product_even(w->patches, most_patches);
    w->group_columns = panel * group_panels;
    w->patch_groups = product_ceil(w->patches, w->group_patches);
    const int64_t groups = (int64_t)w->patch_groups * product_ceil(panels, group_panels);
    if (groups >= wanted) return groups;
    const int has_few = w->group_patches <= p->cpu->isa->rows;
    if (group_panels > 1 && (has_few || w->group_columns > 2 * w->group_patches))
      most_panels = group_panels - 1;
    else if (!has_few)
      most_patches = w->group_patches - 1;
    else
      return groups;
  }
}

void product_run_winograd(const product *p) {
  winograd w = {.p = p, .side = p->upsample ? SIDE_ENLARGED : SIDE};
  w.patch_h = product_ceil(p->out_h, w.side - 2);
  w.patch_w = product_ceil(p->out_w, w.side - 2);
  w.patches = p->node->out->n * w.patch_h * w.patch_w;
  threads_run(p->cpu->pool, winograd_choose_groups(&w), winograd_group_run, &w);
}
