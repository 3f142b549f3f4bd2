/* cpu_pack: owns the order in which the CPU backend holds weights (see cpu_backend.h); knows
 * nothing of who reads them. */
#include <string.h>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/cpu_transpose.h"
#include "base/arena.h"
#include "base/half.h"
#include "graph/weights.h"

/* Numbers of one row that are rounded at a time, and channels whose every tap begins a block. */
enum { PACK_NUMBERS = 1 << 14, PACK_CHANNELS = 256 };
_Static_assert(PACK_NUMBERS * (2 * 4 + 2 * 64) <= CPU_WORKSPACE_BYTES,
               "a panel of 64 columns fits");

typedef struct pack_job {
  const cpu_backend *cpu;
  const weight *weight;
  char *out;
  int32_t panel;    /* columns of a panel */
  int64_t elements; /* of a panel */
} pack_job;

/* Where the channels of a panel that are packed at a time come from and go to. */
typedef struct pack_part {
  const char *rows; /* [column][in][tap] */
  char *out;        /* of the panel: [tap][all in / group][column][group] */
  int64_t row_stride, taps, in, all_in;
  int32_t panel, columns;
} pack_part;

static int64_t pack_ceil(int64_t x, int64_t y) { return (x + y - 1) / y; }

/* Values and gates of a GEGLU fill panels of their own, in turn. */
static int64_t pack_panels(const weight *w, int32_t panel) {
  if (w->kind == WEIGHT_GEGLU) return 2 * pack_ceil(w->out / 2, panel);
  return pack_ceil(w->out, panel);
}

static int pack_is_pairs(const cpu_backend *cpu, const weight *w) {
  return w->in_bf16 && w->in_blocks && cpu->isa->multiply_pairs;
}

/* Of each input channel. */
static int32_t pack_packed_taps(const cpu_backend *cpu, const weight *w) {
  const int in_phases = w->in_phases && pack_is_pairs(cpu, w);
  return in_phases ? CPU_PHASES * CPU_PHASE_TAPS : w->kernel_h * w->kernel_w;
}

/* Numbers of one column in the file. */
static int64_t pack_row_numbers(const weight *w) {
  return (int64_t)w->kernel_h * w->kernel_w * w->in;
}

static int64_t pack_panel_elements(const cpu_backend *cpu, const weight *w) {
  return (int64_t)pack_packed_taps(cpu, w) * w->in * cpu->isa->panel;
}

int64_t cpu_pack_bytes(const cpu_backend *cpu, const weight *w) {
  if (w->kind == WEIGHT_VECTOR) return weights_elements(w) * (int64_t)sizeof(float);
  if (w->kind != WEIGHT_MATRIX && w->kind != WEIGHT_GEGLU) return 0;
  return pack_panels(w, cpu->isa->panel) * pack_panel_elements(cpu, w) *
         (int64_t)half_dtype_bytes(pack_is_pairs(cpu, w) ? SD_BF16 : cpu_matrix_dtype(w));
}

/* `size`, the bytes of a number, and `group` are constants in every copy. */
static inline __attribute__((always_inline)) void pack_channels(const pack_part *p,
                                                                const size_t size,
                                                                const int32_t group) {
  for (int64_t i = 0; i < p->in; i++)
    for (int64_t tap = 0; tap < p->taps; tap++) {
      const int64_t place = (tap * p->all_in + i / group * group) * p->panel + i % group;
      char *to = p->out + (size_t)place * size;
      const char *from = p->rows + (size_t)(i * p->taps + tap) * size;
      for (int32_t column = 0; column < p->columns; column++)
        memcpy(to + (size_t)(column * group) * size, from + (size_t)(column * p->row_stride) * size,
               size);
    }
}

/* Asks the memory for what eight rows hold some lines after number k: no processor follows the
 * streams of all rows of a panel by itself. */
static void pack_ask_ahead(const pack_part *p, int32_t column, int64_t k) {
  enum { LINE = 32, AHEAD = 2 * LINE }; /* numbers of two bytes */
  if (k % LINE) return;
  for (int32_t i = 0; i < 8; i++)
    __builtin_prefetch(p->rows +
                       (size_t)((column + i) * p->row_stride + k + AHEAD) * sizeof(uint16_t));
}

/* As pack_channels for numbers of two bytes, whose count and columns are multiples of 8. */
static void pack_eights(const pack_part *p) {
  int64_t channel = 0, tap = 0;
  for (int64_t k = 0; k < p->in * p->taps; k += 8) {
    char *to[8];
    for (int32_t i = 0; i < 8; i++) {
      to[i] = p->out + (size_t)((tap * p->all_in + channel) * p->panel) * sizeof(uint16_t);
      if (++tap < p->taps) continue;
      tap = 0;
      channel++;
    }
    for (int32_t column = 0; column < p->columns; column += 8) {
      transpose_row v[TRANSPOSE_SIDE];
      pack_ask_ahead(p, column, k);
      for (int32_t i = 0; i < 8; i++)
        memcpy(&v[i], p->rows + (size_t)((column + i) * p->row_stride + k) * sizeof(uint16_t),
               sizeof v[i]);
      transpose_square(v);
      for (int32_t i = 0; i < 8; i++)
        memcpy(to[i] + (size_t)column * sizeof(uint16_t), &v[i], sizeof v[i]);
    }
  }
}

/* As pack_channels, the fastest way that the numbers allow. */
static void pack_by_size(const pack_part *part, size_t size) {
  if (size == 2 && part->columns % 8 == 0 && part->in * part->taps % 8 == 0)
    pack_eights(part);
  else if (size == 1)
    pack_channels(part, 1, 1);
  else if (size == 2)
    pack_channels(part, 2, 1);
  else
    pack_channels(part, 4, 1);
}

/* out[channel][phase][2][2] = the sums of taps[channel][3][3] that fall on one pixel of the picture
 * before it was enlarged. Phase: twice whether the output's row is odd, and whether its column. */
static void pack_phases(float *out, const float *taps, int64_t channels) {
  for (; channels; channels--, taps += 9, out += CPU_PHASES * CPU_PHASE_TAPS) {
    float lines[4][3]; /* [2 odd row + line][column] */
    for (int32_t x = 0; x < 3; x++) {
      lines[0][x] = taps[x];
      lines[1][x] = taps[3 + x] + taps[6 + x];
      lines[2][x] = taps[x] + taps[3 + x];
      lines[3][x] = taps[6 + x];
    }
    for (int32_t i = 0; i < 4; i++) {
      float *even = out + i / 2 * (2 * CPU_PHASE_TAPS) + i % 2 * 2, *odd = even + CPU_PHASE_TAPS;
      even[0] = lines[i][0];
      even[1] = lines[i][1] + lines[i][2];
      odd[0] = lines[i][0] + lines[i][1];
      odd[1] = lines[i][2];
    }
  }
}

/* The panel in bf16 pairs, or in f16 from a block format: some channels at a time are rounded into
 * the worker's workspace. */
static void pack_rounded(const pack_job *job, pack_part part, int is_pairs, int32_t worker) {
  const weight *w = job->weight;
  const cpu_isa *isa = job->cpu->isa;
  const sd_dtype dtype = is_pairs ? SD_BF16 : SD_F16;
  const char *rows = part.rows;
  char *out = part.out;
  float *numbers = cpu_workspace(job->cpu, worker), *sums = numbers + PACK_NUMBERS;
  uint16_t *rounded = (uint16_t *)(sums + PACK_NUMBERS);
  const int64_t stride = part.row_stride, taps = (int64_t)w->kernel_h * w->kernel_w;
  const float *packed = part.taps == taps ? numbers : sums;
  const int64_t step = PACK_NUMBERS / (PACK_CHANNELS * part.taps) * PACK_CHANNELS;
  part.rows = (const char *)rounded;
  for (int64_t first = 0; first < part.all_in; first += step) {
    part.in = part.all_in - first < step ? part.all_in - first : step;
    part.row_stride = part.in * part.taps;
    part.out = out + (size_t)(first * part.panel) * sizeof *rounded;
    for (int32_t column = 0; column < part.columns; column++) {
      const size_t at = (size_t)(column * stride + first * taps);
      cpu_unpack(isa, numbers, rows, w->dtype, at, (size_t)(part.in * taps));
      if (packed == sums) pack_phases(sums, numbers, part.in);
      isa->pack(rounded + column * part.row_stride, packed, dtype, (size_t)part.row_stride);
    }
    if (is_pairs)
      pack_channels(&part, sizeof *rounded, 2);
    else
      pack_by_size(&part, sizeof *rounded);
  }
}

static void pack_item(void *user, int64_t item, int32_t worker) {
  const pack_job *job = user;
  const weight *w = job->weight;
  const int32_t half = w->kind == WEIGHT_GEGLU ? w->out / 2 : w->out;
  const int32_t index = (int32_t)(w->kind == WEIGHT_GEGLU ? item / 2 : item);
  const int32_t first = index * job->panel;
  const int64_t row = first + (w->kind == WEIGHT_GEGLU && item % 2 ? half : 0);
  const int is_pairs = pack_is_pairs(job->cpu, w), is_blocks = blocks_numbers(w->dtype) > 0;
  const size_t packed = half_dtype_bytes(is_pairs ? SD_BF16 : cpu_matrix_dtype(w));
  const size_t row_bytes = half_bytes(w->dtype, (size_t)pack_row_numbers(w));
  const pack_part part = {.rows = (const char *)w->data + (size_t)row * row_bytes,
                          .out = job->out + (size_t)(item * job->elements) * packed,
                          .row_stride = pack_row_numbers(w),
                          .taps = pack_packed_taps(job->cpu, w),
                          .in = w->in,
                          .all_in = w->in,
                          .panel = job->panel,
                          .columns = half - first < job->panel ? half - first : job->panel};
  if (w->mapping) arena_fetch_mapped(part.rows, (size_t)part.columns * row_bytes);

  if (part.columns < job->panel) memset(part.out, 0, (size_t)job->elements * packed);
  if (is_pairs || is_blocks)
    pack_rounded(job, part, is_pairs, worker);
  else
    pack_by_size(&part, packed);
}

void cpu_pack(cpu_backend *cpu, weight *w, void *out) {
  if (w->kind == WEIGHT_VECTOR) {
    cpu_unpack(cpu->isa, out, w->data, w->dtype, 0, (size_t)weights_elements(w));
    return;
  }
  const int32_t panel = cpu->isa->panel;
  pack_job job = {
      .cpu = cpu, .weight = w, .out = out, .panel = panel, .elements = pack_panel_elements(cpu, w)};
  threads_run(cpu->pool, pack_panels(w, panel), pack_item, &job);
}
