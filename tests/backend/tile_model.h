/* tile_model: AMX's tiles in plain C, in place of the compiler's intrinsics, so that the row for
 * AMX runs on every x86-64. Included ahead of a source. Tiles are full ones, as the row configures
 * them; a use without configuration traps. Source: Intel's architecture manual, volume 2,
 * TDPBF16PS. */
#ifndef TILE_MODEL_H
#define TILE_MODEL_H
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

enum { TILE_MODEL_ROWS = 16, TILE_MODEL_BYTES = 64 };

typedef union tile_model {
  unsigned char bytes[TILE_MODEL_ROWS][TILE_MODEL_BYTES];
  uint16_t pairs[TILE_MODEL_ROWS][TILE_MODEL_BYTES / 4][2];
  float sums[TILE_MODEL_ROWS][TILE_MODEL_BYTES / 4];
} tile_model;

static __thread tile_model tile_models[8];
static __thread int tile_model_is_on;

static inline tile_model *tile_model_at(int tile) {
  if (!tile_model_is_on) __builtin_trap();
  return &tile_models[tile];
}

static inline void tile_model_switch(int is_on) {
  memset(tile_models, is_on ? 0 : 0xff, sizeof tile_models);
  tile_model_is_on = is_on;
}

static inline void tile_model_load(int tile, const void *from, int64_t stride) {
  for (int64_t row = 0; row < TILE_MODEL_ROWS; row++)
    memcpy(tile_model_at(tile)->bytes[row], (const char *)from + row * stride, TILE_MODEL_BYTES);
}

static inline void tile_model_store(int tile, void *to, int64_t stride) {
  for (int64_t row = 0; row < TILE_MODEL_ROWS; row++)
    memcpy((char *)to + row * stride, tile_model_at(tile)->bytes[row], TILE_MODEL_BYTES);
}

static inline float tile_model_widen(uint16_t number) {
  const uint32_t bits = (uint32_t)number << 16;
  float wide;
  memcpy(&wide, &bits, sizeof wide);
  return wide;
}

static inline void tile_model_multiply(int sums, int left, int right) {
  tile_model *c = tile_model_at(sums);
  const tile_model *a = tile_model_at(left), *b = tile_model_at(right);
  for (int row = 0; row < TILE_MODEL_ROWS; row++)
    for (int k = 0; k < TILE_MODEL_ROWS; k++)
      for (int column = 0; column < TILE_MODEL_BYTES / 4; column++)
        for (int i = 0; i < 2; i++)
          c->sums[row][column] +=
              tile_model_widen(a->pairs[row][k][i]) * tile_model_widen(b->pairs[k][column][i]);
}

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbf16ps
#define _tile_loadconfig(config) ((void)(config), tile_model_switch(1))
#define _tile_release() tile_model_switch(0)
#define _tile_zero(tile) memset(tile_model_at(tile), 0, sizeof(tile_model))
#define _tile_loadd(tile, from, stride) tile_model_load(tile, from, stride)
#define _tile_stored(tile, to, stride) tile_model_store(tile, to, stride)
#define _tile_dpbf16ps(sums, left, right) tile_model_multiply(sums, left, right)

#endif
#endif
