/* cpu_product: see cpu_product.h. */
#include "backend/cpu/cpu_product.h"

#include <math.h>
#include <string.h>

#include "base/half.h"

void product_open(product *p, cpu_backend *cpu, const node *n) {
  const int is_conv = n->op == OP_conv2d;
  const tensor *x = n->in[IN_X], *y = is_conv ? n->in[IN_Y] : NULL;
  const int32_t panel = cpu->isa->panel;
  *p = (product){.cpu = cpu,
                 .node = n,
                 .weight = n->weights[WEIGHT_MAIN],
                 .in_h = x->h,
                 .in_w = x->w,
                 .out_h = n->out->h,
                 .out_w = n->out->w,
                 .stride = is_conv ? n->args.stride : 1,
                 .pad = n->args.pad,
                 .upsample = n->args.upsample,
                 .kernel = n->weights[WEIGHT_MAIN]->kernel_h,
                 .in_phases = n->weights[WEIGHT_MAIN]->packed_in_phases && cpu->isa->multiply_pairs,
                 .rows = (int32_t)tensor_rows(n->out),
                 .geglu = n->args.act == ACT_GEGLU};
  p->columns = product_ceil(n->out->c, panel) * panel * (p->geglu ? 2 : 1);
  p->sources[p->source_count++] =
      (product_source){.data = cpu_address(cpu, x), .dtype = x->dtype, .channels = x->c};
  if (y)
    p->sources[p->source_count++] = (product_source){
        .data = cpu_address(cpu, y), .dtype = y->dtype, .channels = y->c, .first = x->c};
}

void product_choose_phase(product *p, int32_t phase) {
  p->odd_row = phase / 2;
  p->odd_column = phase % 2;
  p->first_tap = phase * CPU_PHASE_TAPS;
  p->kernel = 2;
  p->upsample = 0;
  p->rows = p->node->out->n * p->in_h * p->in_w;
}

/* The pixel's number and its first tap, for the row of a phase. */
static product_pixel product_phase_pixel(const product *p, int32_t row) {
  const int32_t y = row / p->in_w, x = row % p->in_w, picture = y / p->in_h;
  return (product_pixel){.row = (2 * y + p->odd_row) * p->out_w + 2 * x + p->odd_column,
                         .picture = picture,
                         .y = y % p->in_h - 1 + p->odd_row,
                         .x = x - 1 + p->odd_column};
}

static product_pixel product_pixel_at(const product *p, int32_t row) {
  if (p->in_phases) return product_phase_pixel(p, row);
  const int32_t y = row / p->out_w;
  return (product_pixel){.row = row,
                         .picture = y / p->out_h,
                         .y = y % p->out_h * p->stride - p->pad,
                         .x = row % p->out_w * p->stride - p->pad};
}

/* Divisions only where a line begins: for few channels they take as long as the products. */
void product_pixels(const product *p, product_pixel *out, int32_t first, int32_t count) {
  const int32_t width = p->in_phases ? p->in_w : p->out_w;
  const int32_t row_step = p->in_phases ? 2 : 1, x_step = p->in_phases ? 1 : p->stride;
  for (int32_t i = 0, end; i < count; i = end) {
    product_pixel at = product_pixel_at(p, first + i);
    end = product_min(count, i + width - (first + i) % width);
    for (int32_t j = i; j < end; j++, at.row += row_step, at.x += x_step) out[j] = at;
  }
}

const char *product_address(const product *p, const product_source *source, int32_t channel,
                            const product_pixel *at) {
  const int32_t h = p->upsample ? p->out_h : p->in_h, w = p->upsample ? p->out_w : p->in_w;
  int32_t y = at->y, x = at->x;
  if (y < 0 || x < 0 || y >= h || x >= w) return NULL;
  if (p->upsample) {
    y = (int32_t)((int64_t)y * p->in_h / p->out_h);
    x = (int32_t)((int64_t)x * p->in_w / p->out_w);
  }
  const int64_t row = ((int64_t)at->picture * p->in_h + y) * p->in_w + x;
  const size_t number = (size_t)(row * source->channels + channel);
  return source->data + number * half_dtype_bytes(source->dtype);
}

const char *product_tap_address(const product *p, const product_part *part, int32_t tap,
                                const product_pixel *pixel) {
  product_pixel at = *pixel;
  at.y += tap / p->kernel;
  at.x += tap % p->kernel;
  return product_address(p, part->source, part->channel, &at);
}

void product_unpack_weights(const product *p, float *out, int64_t panel, int32_t tap,
                            int32_t channel, int32_t channels) {
  const weight *w = p->weight;
  const cpu_isa *isa = p->cpu->isa;
  const int64_t taps = (int64_t)w->kernel_h * w->kernel_w;
  const int64_t at = ((panel * taps + tap) * w->in + channel) * isa->panel;
  cpu_unpack(isa, out, w->packed, cpu_matrix_dtype(w), (size_t)at, (size_t)(channels * isa->panel));
}

/* Column of out, bias and channel_add at which a panel begins. Values and gates of a GEGLU fill
 * panels in turn; gates come after all values in the bias. */
static int32_t product_panel_column(const product *p, int32_t column) {
  const int32_t panel = p->cpu->isa->panel, index = column / panel;
  return p->geglu ? index / 2 * panel + index % 2 * (p->weight->out / 2) : column;
}

static int32_t product_panel_width(const product *p, int32_t column) {
  const int32_t panel = p->cpu->isa->panel, half = p->weight->out / 2;
  if (!p->geglu) return product_min(panel, p->weight->out - column);
  return product_min(panel, half - column / panel / 2 * panel);
}

static char *product_number(const product *p, const tensor *x, int32_t row, int32_t column) {
  const int64_t number = (int64_t)row * x->c + column;
  return (char *)cpu_address(p->cpu, x) + (size_t)number * half_dtype_bytes(x->dtype);
}

/* out[columns]: bias + channel_add of a picture, 0 in zero columns. */
static void product_base(const product_tile *t, float *out, int32_t picture) {
  const product *p = t->p;
  const node *n = p->node;
  const cpu_isa *isa = p->cpu->isa;
  const weight *bias = n->weights[WEIGHT_BIAS];
  const tensor *add = n->in[IN_CHANNEL_ADD];
  memset(out, 0, (size_t)t->columns * sizeof(float));
  for (int32_t i = 0; i < t->columns; i += isa->panel) {
    const int32_t from = product_panel_column(p, t->column + i);
    const size_t width = (size_t)product_panel_width(p, t->column + i);
    if (bias) memcpy(out + i, (const float *)bias->packed + from, width * sizeof(float));
    if (!add) continue;
    const int32_t row = add->n == 1 ? 0 : picture;
    float channels[MOST_PANEL];
    isa->unpack(channels, product_number(p, add, row, from), add->dtype, width);
    isa->add_row(out + i, out + i, channels, width);
  }
}

const float *product_first(const product_tile *t, float *row) {
  const int32_t picture = t->pixels[0].picture;
  const int is_one_picture = t->pixels[t->rows - 1].picture == picture;
  if (t->p->node->in[IN_CHANNEL_ADD] && !is_one_picture) return NULL;
  product_base(t, row, picture);
  return row;
}

static void product_activate(const cpu_isa *isa, float *row, activation act, size_t count) {
  switch (act) {
    case ACT_SILU:
      isa->silu_row(row, row, count);
      break;
    case ACT_GELU:
      isa->gelu_row(row, row, count);
      break;
    case ACT_QUICK_GELU:
      isa->quick_gelu_row(row, row, count);
      break;
    case ACT_RELU:
      for (size_t i = 0; i < count; i++) row[i] = row[i] < 0.0f ? 0.0f : row[i];
      break;
    case ACT_TANH3:
      for (size_t i = 0; i < count; i++) row[i] = 3.0f * tanhf(row[i] / 3.0f);
      break;
    case ACT_NONE:
    case ACT_GEGLU:
      break;
  }
}

/* Rows [first, first + count) of a tile, whose pixels stand at even distances in storage. */
typedef struct product_run {
  int32_t first, count, step;
} product_run;

/* From row `first` on; of one picture, unless sums began as what depends on it. */
static product_run product_run_at(const product_tile *t, int32_t first) {
  const product_pixel *begin = t->pixels + first, *end = t->pixels + t->rows, *at = begin + 1;
  const int32_t step = t->p->in_phases ? 2 : 1;
  while (at < end && at->row == at[-1].row + step && (t->first || at->picture == begin->picture))
    at++;
  return (product_run){first, (int32_t)(at - begin), step};
}

/* Values times GELU of their gates, a panel of each at a time. */
static void product_store_gated(const product_tile *t, cpu_sums sums, int32_t row) {
  const product *p = t->p;
  const tensor *out = p->node->out;
  const int32_t panel = p->cpu->isa->panel;
  for (int32_t i = 0; i < t->columns; i += 2 * panel) {
    const int32_t column = product_panel_column(p, t->column + i);
    sums.out = product_number(p, out, row, column);
    sums.count = product_min(panel, out->c - column);
    p->cpu->isa->store_gated_sums(&sums);
    sums.sums += 2 * panel;
    if (sums.base) sums.base += 2 * panel;
  }
}

/* base[columns]: what the sums lack besides the residual; NULL: nothing. */
static void product_store(const product_tile *t, product_run run, const float *base) {
  const product *p = t->p;
  const cpu_isa *isa = p->cpu->isa;
  const tensor *out = p->node->out, *residual = p->node->in[IN_RESIDUAL];
  const int32_t row = t->pixels[run.first].row;
  float *rows = t->sums + run.first * t->stride;
  cpu_sums sums = {.sums = rows,
                   .stride = t->stride,
                   .base = base,
                   .out_dtype = out->dtype,
                   .out_stride = (int64_t)run.step * out->c,
                   .rows = run.count,
                   .count = product_min(t->columns, out->c - t->column)};
  if (p->geglu) {
    product_store_gated(t, sums, row);
    return;
  }
  if (residual) {
    sums.residual = product_number(p, residual, row, t->column);
    sums.residual_dtype = residual->dtype;
    sums.residual_stride = (int64_t)run.step * residual->c;
  }
  if (p->node->args.act != ACT_NONE) {
    cpu_sums whole = sums;
    whole.out = rows;
    whole.out_dtype = SD_F32;
    whole.out_stride = t->stride;
    isa->store_sums(&whole);
    for (int32_t r = 0; r < run.count; r++)
      product_activate(isa, rows + r * t->stride, p->node->args.act, (size_t)sums.count);
    sums.base = NULL;
    sums.residual = NULL;
  }
  sums.out = product_number(p, out, row, t->column);
  isa->store_sums(&sums);
}

void product_end(const product_tile *t) {
  float base[MOST_TILE_COLUMNS];
  int32_t picture = -1; /* that base is of */
  for (product_run run = {0}; run.first < t->rows; run.first += run.count) {
    run = product_run_at(t, run.first);
    const int32_t of = t->pixels[run.first].picture;
    if (!t->first && of != picture) product_base(t, base, of);
    picture = of;
    product_store(t, run, t->first ? NULL : base);
  }
}
