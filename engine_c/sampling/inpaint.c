/* inpaint: see inpaint.h. */
#include "sampling/inpaint.h"

enum { INPAINT_FACTOR = 8 };

void inpaint_mask_mean(float *out, const uint8_t *mask, int32_t h, int32_t w) {
  size_t stride = (size_t)w * INPAINT_FACTOR;
  for (size_t y = 0; y < (size_t)h; y++) {
    for (size_t x = 0; x < (size_t)w; x++) {
      const uint8_t *cell = mask + (y * stride + x) * INPAINT_FACTOR;
      int32_t sum = 0;
      for (size_t row = 0; row < INPAINT_FACTOR; row++)
        for (size_t column = 0; column < INPAINT_FACTOR; column++)
          sum += cell[row * stride + column];
      *out++ = (float)sum / (255 * INPAINT_FACTOR * INPAINT_FACTOR);
    }
  }
}

void inpaint_mask_nearest(float *out, const uint8_t *mask, int32_t h, int32_t w) {
  size_t stride = (size_t)w * INPAINT_FACTOR;
  for (size_t y = 0; y < (size_t)h; y++)
    for (size_t x = 0; x < (size_t)w; x++)
      *out++ = mask[(y * stride + x) * INPAINT_FACTOR] >= INPAINT_PAINTED;
}

void inpaint_blend(float *latents, const inpaint_known *known, float sigma, size_t count) {
  for (size_t i = 0; i < 4 * count; i++) {
    float kept = known->init[i] + sigma * known->noise[i], painted = known->mask[i / 4];
    latents[i] = kept + painted * (latents[i] - kept);
  }
}

void inpaint_composite(uint8_t *rgb, const uint8_t *init, const uint8_t *mask, size_t count) {
  for (size_t i = 0; i < 3 * count; i++) {
    int32_t painted = mask[i / 3];
    rgb[i] = (uint8_t)((painted * rgb[i] + (255 - painted) * init[i] + 127) / 255);
  }
}

/* ---- fill ---- */

enum { FILL_LEVEL_LIMIT = 16 }; /* halves of 8192 / 8 end before */

static inpaint_cells fill_half(inpaint_cells fine) {
  return (inpaint_cells){fine.rgbw + 4 * (size_t)fine.h * (size_t)fine.w, (fine.h + 1) / 2,
                         (fine.w + 1) / 2};
}

size_t inpaint_fill_floats(int32_t h, int32_t w) {
  size_t count = 4 * (size_t)h * (size_t)w;
  while (h > 1 || w > 1) {
    h = (h + 1) / 2, w = (w + 1) / 2;
    count += 4 * (size_t)h * (size_t)w;
  }
  return count;
}

/* Each cell's kept pixels; its weight is their share. */
static void fill_first(inpaint_cells level, const uint8_t *rgb, const uint8_t *mask) {
  size_t stride = (size_t)level.w * INPAINT_FACTOR;
  for (size_t i = 0; i < (size_t)level.h * (size_t)level.w; i++) {
    size_t first = (i / (size_t)level.w * stride + i % (size_t)level.w) * INPAINT_FACTOR;
    int64_t kept = 0, sums[3] = {0};
    for (size_t at = 0; at < INPAINT_FACTOR * INPAINT_FACTOR; at++) {
      size_t pixel = first + at / INPAINT_FACTOR * stride + at % INPAINT_FACTOR;
      kept += 255 - mask[pixel];
      for (int c = 0; c < 3; c++) sums[c] += (255 - mask[pixel]) * rgb[3 * pixel + (size_t)c];
    }
    float *cell = level.rgbw + 4 * i;
    for (int c = 0; c < 3; c++) cell[c] = kept ? (float)sums[c] / (float)kept : 0;
    cell[3] = (float)kept / (255 * INPAINT_FACTOR * INPAINT_FACTOR);
  }
}

/* A cell of the coarser level: the mean of its four, whose weights add up to 1 at most. */
static void fill_pull(inpaint_cells coarse, inpaint_cells fine) {
  for (int32_t i = 0; i < coarse.h * coarse.w; i++) {
    float *cell = coarse.rgbw + 4 * (size_t)i, sums[3] = {0}, weight = 0;
    int32_t y = 2 * (i / coarse.w), x = 2 * (i % coarse.w);
    for (int32_t part = 0; part < 4; part++) {
      int32_t row = y + part / 2, column = x + part % 2;
      if (row >= fine.h || column >= fine.w) continue;
      const float *from = fine.rgbw + 4 * ((size_t)row * (size_t)fine.w + (size_t)column);
      for (int c = 0; c < 3; c++) sums[c] += from[3] * from[c];
      weight += from[3];
    }
    for (int c = 0; c < 3; c++) cell[c] = weight > 0 ? sums[c] / weight : 0;
    cell[3] = weight < 1 ? weight : 1;
  }
}

/* Linear between cells; beyond the outer ones, theirs. y, x: in cells, from the first's middle. */
static void fill_between(float color[3], const inpaint_cells *level, float y, float x) {
  y = y<0 ? 0 : y>(float)(level->h - 1) ? (float)(level->h - 1) : y;
  x = x<0 ? 0 : x>(float)(level->w - 1) ? (float)(level->w - 1) : x;
  int32_t row = (int32_t)y, column = (int32_t)x;
  size_t down = row + 1 < level->h ? 4 * (size_t)level->w : 0,
         right = column + 1 < level->w ? 4 : 0;
  float dy = y - (float)row, dx = x - (float)column;
  const float *cell = level->rgbw + 4 * ((size_t)row * (size_t)level->w + (size_t)column);
  for (size_t c = 0; c < 3; c++) {
    float above = cell[c] + dx * (cell[right + c] - cell[c]);
    float below = cell[down + c] + dx * (cell[down + right + c] - cell[down + c]);
    color[c] = above + dy * (below - above);
  }
}

/* What a cell lacks in weight comes from the coarser level, which lacks nothing. */
static void fill_push(inpaint_cells fine, const inpaint_cells *coarse) {
  for (int32_t i = 0; i < fine.h * fine.w; i++) {
    float *cell = fine.rgbw + 4 * (size_t)i, wide[3];
    if (cell[3] >= 1) continue;
    fill_between(wide, coarse, ((float)(i / fine.w) - 0.5f) / 2, ((float)(i % fine.w) - 0.5f) / 2);
    for (int c = 0; c < 3; c++) cell[c] = wide[c] + cell[3] * (cell[c] - wide[c]);
    cell[3] = 1;
  }
}

void inpaint_fill(const inpaint_cells *cells, const uint8_t *rgb, const uint8_t *mask) {
  inpaint_cells levels[FILL_LEVEL_LIMIT] = {*cells};
  int32_t last = 0;
  fill_first(levels[0], rgb, mask);
  while (levels[last].h > 1 || levels[last].w > 1) {
    levels[last + 1] = fill_half(levels[last]);
    fill_pull(levels[last + 1], levels[last]);
    last++;
  }
  float *top = levels[last].rgbw;
  for (int c = 0; c < 3 && top[3] <= 0; c++) top[c] = 127.5f;
  while (last--) fill_push(levels[last], &levels[last + 1]);
}

void inpaint_fill_color(float color[3], const inpaint_cells *cells, size_t y, size_t x) {
  fill_between(color, cells, ((float)y + 0.5f) / (float)INPAINT_FACTOR - 0.5f,
               ((float)x + 0.5f) / (float)INPAINT_FACTOR - 0.5f);
}
