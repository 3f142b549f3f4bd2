/* cpu_isa_avx512_amx: the row for x86-64 with AVX-512 and AMX's tiles of bf16 numbers. Sources:
 * Intel's architecture manual, volume 1, chapter 18 (tiles), and Linux's documentation of
 * ARCH_REQ_XCOMP_PERM: a process has to ask before it may touch them. */
#if defined(__x86_64__) && defined(__linux__)
#if defined(__clang__)
#pragma clang attribute push(                                                                     \
    __attribute__((target(                                                                        \
        "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c,amx-tile,amx-bf16,xsave"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target( \
    "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c,amx-tile,amx-bf16,xsave")
#pragma GCC target("prefer-vector-width=512")
#endif

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backend/cpu/cpu_isa.h"
#include "backend/cpu/cpu_isa_avx512.h"
#include "backend/cpu/cpu_isa_avx512_weights.h"

enum {
  TILE_ROWS = 16,
  TILE_ROW_BYTES = 64,                /* 16 f32 or 32 bf16 numbers */
  TILE_DEPTH = TILE_ROW_BYTES / 2,    /* k of a product */
  PANEL_COLUMNS = 2 * TILE_ROWS,      /* two tiles side by side */
  PAIR_ROW_BYTES = PANEL_COLUMNS * 4, /* of b: two k of every column */
  ARCH_REQ_XCOMP_PERM = 0x1023,
  STATE_TILE_CONFIG = 17,
  STATE_TILE_DATA = 18
};

#if defined(__clang__)
#define PAIRS_UNROLL _Pragma("clang loop unroll(full)")
#else
#define PAIRS_UNROLL _Pragma("GCC unroll 16")
#endif

/* The operand of ldtilecfg: eight tiles of full size. */
typedef struct tile_config {
  _Alignas(64) uint8_t palette;
  uint8_t start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} tile_config;

static const tile_config CONFIG = {
    .palette = 1,
    .row_bytes = {TILE_ROW_BYTES, TILE_ROW_BYTES, TILE_ROW_BYTES, TILE_ROW_BYTES, TILE_ROW_BYTES,
                  TILE_ROW_BYTES, TILE_ROW_BYTES, TILE_ROW_BYTES},
    .rows = {TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS,
             TILE_ROWS},
};

/* Tiles 0 to 3 are sums, [half of the rows][half of the panel]; 4 and 5 are a, 6 and 7 are b.
 * has_lower, a constant in every copy: whether the lower half of the rows is wanted. */
#define PAIRS_INLINE static inline __attribute__((always_inline))

/* Where 32 k of a block begin. */
typedef struct pairs_place {
  const char *upper, *lower, *b;
  int64_t upper_stride, lower_stride;
} pairs_place;

/* Asks for a quarter of the weights after `b`: every second line, since they come in pairs. */
PAIRS_INLINE void pairs_ask(const char *b, int32_t quarter) {
  enum { TWO_LINES = 128, QUARTER = TILE_ROWS * PAIR_ROW_BYTES / 4 };
  b += TILE_ROWS * PAIR_ROW_BYTES + quarter * QUARTER;
  PAIRS_UNROLL for (int32_t i = 0; i < QUARTER; i += TWO_LINES) __builtin_prefetch(b + i);
}

PAIRS_INLINE void pairs_load(const pairs_place *at, const int has_lower) {
  _tile_loadd(6, at->b, PAIR_ROW_BYTES);
  _tile_loadd(4, at->upper, at->upper_stride);
  if (has_lower) _tile_loadd(5, at->lower, at->lower_stride);
  _tile_loadd(7, at->b + TILE_ROW_BYTES, PAIR_ROW_BYTES);
}

/* The products of the tiles that are loaded. Each is loaded again, from `next` if that is not NULL,
 * as soon as its last product has begun, and the weights after those are asked for meanwhile: no
 * product waits for its operands. */
PAIRS_INLINE void pairs_multiply(const pairs_place *next, const int has_lower) {
  _tile_dpbf16ps(0, 4, 6);
  if (next) pairs_ask(next->b, 0);
  if (has_lower) _tile_dpbf16ps(2, 5, 6);
  if (next) pairs_ask(next->b, 1);
  if (next) _tile_loadd(6, next->b, PAIR_ROW_BYTES);
  _tile_dpbf16ps(1, 4, 7);
  if (next) pairs_ask(next->b, 2);
  if (next) _tile_loadd(4, next->upper, next->upper_stride);
  if (has_lower) _tile_dpbf16ps(3, 5, 7);
  if (next) pairs_ask(next->b, 3);
  if (next && has_lower) _tile_loadd(5, next->lower, next->lower_stride);
  if (next) _tile_loadd(7, next->b + TILE_ROW_BYTES, PAIR_ROW_BYTES);
}

/* The sums from `tile` or, a stride of 0, from one row that all rows begin with. */
PAIRS_INLINE void pairs_load_sums(const float *tile, const float *below, int64_t stride,
                                  const int has_lower) {
  _tile_loadd(0, tile, stride);
  _tile_loadd(1, tile + TILE_ROWS, stride);
  if (has_lower) _tile_loadd(2, below, stride);
  if (has_lower) _tile_loadd(3, below + TILE_ROWS, stride);
}

PAIRS_INLINE void pairs_zero_sums(const int has_lower) {
  _tile_zero(0);
  _tile_zero(1);
  if (has_lower) _tile_zero(2);
  if (has_lower) _tile_zero(3);
}

PAIRS_INLINE void pairs_tiles(const cpu_pairs *p, int32_t index, const int has_lower) {
  const int64_t stride = p->stride * (int64_t)sizeof(float);
  const uint16_t *panel = p->b + index * p->b_panel;
  float *tile = p->tile + index * PANEL_COLUMNS, *below = tile + TILE_ROWS * p->stride;
  const float *first = p->first ? p->first + index * PANEL_COLUMNS : NULL;
  if (p->accumulate)
    pairs_load_sums(tile, below, stride, has_lower);
  else if (first)
    pairs_load_sums(first, first, 0, has_lower);
  else
    pairs_zero_sums(has_lower);
  for (int32_t s = 0; s < p->segments; s++) {
    const cpu_rows upper = p->a[2 * s], lower = p->a[2 * s + 1];
    pairs_place at = {upper.at, lower.at, (const char *)(panel + s * p->b_segment), upper.stride,
                      lower.stride};
    for (int32_t k = 0; k < p->length; k += TILE_DEPTH) {
      if (s || k)
        pairs_multiply(&at, has_lower);
      else
        pairs_load(&at, has_lower);
      at.upper += TILE_ROW_BYTES;
      at.lower += TILE_ROW_BYTES;
      at.b += TILE_ROWS * PAIR_ROW_BYTES;
    }
  }
  pairs_multiply(NULL, has_lower);
  _tile_stored(0, tile, stride);
  _tile_stored(1, tile + TILE_ROWS, stride);
  if (has_lower) _tile_stored(2, below, stride);
  if (has_lower) _tile_stored(3, below + TILE_ROWS, stride);
}

static void multiply_pairs(const cpu_pairs *p) {
  for (int32_t i = 0; i < p->panels; i++)
    if (p->rows > TILE_ROWS)
      pairs_tiles(p, i, 1);
    else
      pairs_tiles(p, i, 0);
}

static void begin_pairs(void) { _tile_loadconfig(&CONFIG); }

/* Other threads' switches then have no tiles to save. */
static void end_pairs(void) { _tile_release(); }

static int has_tiles(void) {
  const unsigned os_saves = 1u << 27, tiles = 1u << 24 | 1u << 22; /* AMX-TILE and AMX-BF16 */
  const uint64_t states = 1ull << STATE_TILE_CONFIG | 1ull << STATE_TILE_DATA;
  unsigned a, b, c, d;
  if (!__get_cpuid_count(1, 0, &a, &b, &c, &d) || !(c & os_saves)) return 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & tiles) != tiles) return 0;
  if (((uint64_t)_xgetbv(0) & states) != states) return 0;
  return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, STATE_TILE_DATA) == 0;
}

#define ISA_SET avx512_amx
#define ISA_USABLE (ISA_AVX512_USABLE && __builtin_cpu_supports("avx512bf16") && has_tiles())
#define ISA_PAIRS TILE_DEPTH
#define ISA_TO_BF16(v) ((hvec)_mm512_cvtneps_pbh((__m512)(v)))
#include "backend/cpu/cpu_isa_body.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
