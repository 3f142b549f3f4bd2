/* metal upload: owns where weights lie. A matrix or table that a mapped file holds as the kernels
 * read it stays there; all others are packed once, small ones side by side in shared buffers, and
 * many of them in one go of the GPU: until it ends, they are pending. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/metal/metal_state.h"
#include "base/arena.h"
#include "base/error.h"
#include "graph/weights.h"

enum { SLAB_BYTES = 1 << 20, SLAB_WEIGHT_BYTES = 1 << 16, SLAB_ALIGNMENT = 256 };
enum { UPLOAD_ALIGNMENT = 16 }; /* of addresses that kernels read by vectors */

static int upload_is_matrix(const weight *w) {
  return w->kind == WEIGHT_MATRIX || w->kind == WEIGHT_GEGLU;
}

/* Whether both operators that read matrices have left this backend. */
static int upload_goes_to_fallback(const metal_backend *m, const weight *w) {
  return upload_is_matrix(w) && m->is_fallen[OP_linear] && m->is_fallen[OP_conv2d];
}

int64_t metal_weight_bytes(const backend *b, const weight *w) {
  const metal_backend *m = (const metal_backend *)b;
  const backend *other = m->fallback.backend;
  return upload_goes_to_fallback(m, w) ? other->table->weight_bytes(other, w) : metal_pack_bytes(w);
}

metal_view metal_weight_view(metal_backend *m, const weight *w) {
  (void)m;
  return w ? ((const metal_weight *)w->packed)->view : (metal_view){0};
}

static sd_status upload_out_of_memory(const weight *w, int64_t bytes, sd_error *error) {
  return error_set(error, SD_OUT_OF_MEMORY,
                   "no memory for the weights (%.1f MB more, %.64s): close other programs or use "
                   "a smaller model",
                   (double)bytes / 1e6, w->name);
}

/* ---- places ---- */

static metal_slab *upload_slab(metal_backend *m, int64_t bytes) {
  for (metal_slab *slab = m->slabs; slab; slab = slab->next)
    if (slab->used + bytes <= SLAB_BYTES) return slab;
  metal_slab *slab = calloc(1, sizeof *slab);
  metal_buffer *buffer = slab ? metal_take(m, SLAB_BYTES) : NULL;
  if (!buffer) {
    free(slab);
    return NULL;
  }
  *slab = (metal_slab){.next = m->slabs, .buffer = buffer};
  m->slabs = slab;
  return slab;
}

static void upload_leave_slab(metal_backend *m, metal_slab *slab) {
  if (--slab->live) return;
  for (metal_slab **at = &m->slabs; *at; at = &(*at)->next)
    if (*at == slab) {
      *at = slab->next;
      break;
    }
  metal_free(m, slab->buffer);
  free(slab);
}

/* Sets the record's view; 0: no memory. */
static int upload_place(metal_backend *m, metal_weight *record, int64_t bytes) {
  if (bytes > SLAB_WEIGHT_BYTES) {
    record->own = metal_take(m, bytes);
    record->view = (metal_view){record->own, 0, bytes};
    return record->own != NULL;
  }
  const int64_t rounded = (bytes + SLAB_ALIGNMENT - 1) / SLAB_ALIGNMENT * SLAB_ALIGNMENT;
  record->slab = upload_slab(m, rounded);
  if (!record->slab) return 0;
  record->view = (metal_view){record->slab->buffer, record->slab->used, bytes};
  record->slab->used += rounded;
  record->slab->live++;
  return 1;
}

static void upload_leave(metal_backend *m, metal_weight *record) {
  metal_free(m, record->own);
  if (record->slab) upload_leave_slab(m, record->slab);
  record->own = NULL;
  record->slab = NULL;
  record->view = (metal_view){0};
}

static void upload_close(metal_backend *m, metal_weight *record) {
  backend *other = m->fallback.backend;
  if (record->for_fallback.packed) other->table->drop(other, &record->for_fallback);
  upload_leave(m, record);
  free(record);
}

/* ---- where the file has it ---- */

static int upload_lies_as_read(const weight *w) {
  const int is_plain =
      w->kind == WEIGHT_MATRIX && w->dtype == metal_matrix_dtype(w) && w->kernel_h == 1;
  return is_plain || w->kind == WEIGHT_TABLE;
}

static int upload_is_aligned_mapping(const weight *w) {
  return w->mapping && (uintptr_t)w->data % UPLOAD_ALIGNMENT == 0;
}

/* The whole pages around the weight's data as a buffer, and the data in it. */
static metal_buffer *upload_wrap(metal_view *out, metal_backend *m, const weight *w) {
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE),
                  bytes = (uintptr_t)weights_source_bytes(w);
  const uintptr_t begin = (uintptr_t)w->data / page * page;
  const uintptr_t end = ((uintptr_t)w->data + bytes + page - 1) / page * page;
  metal_buffer *buffer =
      m->driver->buffer_wrap(m->device, (const void *)begin, (int64_t)(end - begin));
  *out = (metal_view){buffer, (int64_t)((uintptr_t)w->data - begin), (int64_t)bytes};
  return buffer;
}

/* ---- packing ---- */

static int64_t upload_round(int64_t bytes) {
  return (bytes + UPLOAD_ALIGNMENT - 1) / UPLOAD_ALIGNMENT * UPLOAD_ALIGNMENT;
}

/* As if it had never been uploaded. */
static void upload_forget(metal_backend *m, weight *w) {
  upload_close(m, w->packed);
  m->weight_bytes -= w->packed_bytes;
  w->packed = NULL;
  w->packed_bytes = 0;
}

sd_status metal_end_uploads(metal_backend *m, sd_error *error) {
  if (!m->pending_count) return SD_OK;
  const sd_status status = metal_end(m, error);
  const void *dropped = NULL;
  for (int32_t i = 0; i < m->pending_count; i++) {
    weight *w = m->pending[i].weight;
    const weight *source = &((const metal_weight *)w->packed)->for_fallback;
    metal_free(m, m->pending[i].source);
    if (source->mapping && source->mapping != dropped) {
      dropped = source->mapping;
      arena_drop_mapped(dropped, (size_t)source->mapping_bytes);
    }
    if (status) upload_forget(m, w);
  }
  m->pending_count = 0;
  m->pending_bytes = 0;
  return status;
}

/* The file's bytes in the GPU's reach; *own is to be freed. No buffer: no memory. */
static metal_view upload_source(metal_backend *m, const weight *w, metal_buffer **own) {
  metal_view view = {0};
  *own = NULL;
  if (upload_is_aligned_mapping(w)) *own = upload_wrap(&view, m, w);
  if (*own) return view;
  const int64_t bytes = weights_source_bytes(w);
  view = (metal_view){m->scratch, m->pending_bytes, bytes};
  if (bytes > METAL_SCRATCH_BYTES) {
    *own = metal_take(m, bytes);
    view = (metal_view){*own, 0, bytes};
  }
  if (view.buffer) memcpy((char *)view.buffer->contents + view.offset, w->data, (size_t)bytes);
  return view;
}

/* Without a place, or a kernel that packs it: nothing reads the source, but only an idle GPU lets
 * go of memory. */
static sd_status upload_give_up(metal_backend *m, metal_weight *record, metal_buffer *source,
                                sd_error *error) {
  const sd_status status = metal_end_uploads(m, error);
  metal_free(m, source);
  upload_leave(m, record);
  return status;
}

/* The weight is pending afterwards; a missing kernel leaves the record without a view. */
static sd_status upload_pack(metal_backend *m, metal_weight *record, weight *w, sd_error *error) {
  const int64_t bytes = metal_pack_bytes(w);
  metal_buffer *own;
  const metal_view source = upload_source(m, w, &own);
  if (!source.buffer || !upload_place(m, record, bytes)) {
    const sd_status status = upload_give_up(m, record, own, error);
    return status ? status : upload_out_of_memory(w, bytes, error);
  }
  m->refused = NULL;
  metal_pack(m, w, source, record->view);
  record->refused = m->refused;
  m->refused = NULL;
  if (record->refused) return upload_give_up(m, record, own, error);
  m->pending[m->pending_count++] = (metal_pending){w, own};
  m->pending_bytes += upload_round(source.bytes);
  return SD_OK;
}

/* Ends what is pending where this weight's source does not fit beside it. */
static sd_status upload_make_room(metal_backend *m, const weight *w, sd_error *error) {
  if (m->pending_bytes + weights_source_bytes(w) > METAL_SCRATCH_BYTES)
    return metal_end_uploads(m, error);
  return SD_OK;
}

static sd_status upload_to_metal(metal_backend *m, metal_weight *record, weight *w,
                                 sd_error *error) {
  if (upload_lies_as_read(w) && upload_is_aligned_mapping(w))
    record->own = upload_wrap(&record->view, m, w);
  if (record->own) return SD_OK;
  const sd_status status = upload_make_room(m, w, error);
  if (status) return status;
  if (!metal_open_scratch(m)) return upload_out_of_memory(w, METAL_SCRATCH_BYTES, error);
  if (w->mapping) arena_fetch_mapped(w->data, (size_t)weights_source_bytes(w));
  return upload_pack(m, record, w, error);
}

/* Where no more is to wait, or all would be in vain: a stop leaves out what is encoded after it. */
static int upload_is_due(const metal_backend *m) {
  return m->pending_count == METAL_PENDING_MAX || m->pending_bytes >= METAL_SCRATCH_BYTES ||
         m->failure.status || atomic_load(m->base.stop);
}

/* ---- for the other backend ---- */

/* Row of the file that packed row `row` of a GEGLU is, or -1: padding. */
static int64_t upload_geglu_row(const weight *w, int64_t row) {
  const int64_t half = w->out / 2, index = row / 16 * 8 + row % 8;
  if (index >= half) return -1;
  return row % 16 < 8 ? index : half + index;
}

/* The weight as Metal holds it, back in the file's order: out [out][in][kh][kw]. */
static void upload_unpack(uint16_t *out, const uint16_t *packed, int64_t packed_rows,
                          const weight *w) {
  const int64_t taps = (int64_t)w->kernel_h * w->kernel_w, in = w->in;
  for (int64_t row = 0; row < packed_rows; row++) {
    const int64_t to = w->kind == WEIGHT_GEGLU ? upload_geglu_row(w, row) : row;
    for (int64_t i = 0; i < in * taps && to >= 0; i++)
      out[to * in * taps + i % in * taps + i / in] = packed[row * in * taps + i];
  }
}

/* A matrix whose data may be gone: from Metal's own. */
static sd_status upload_matrix_again(metal_backend *m, metal_weight *record, sd_error *error) {
  weight *w = &record->for_fallback;
  backend *other = m->fallback.backend;
  const int64_t row_bytes = (int64_t)w->in * w->kernel_h * w->kernel_w * (int64_t)sizeof(uint16_t);
  uint16_t *copy = malloc((size_t)(w->out * row_bytes));
  if (!copy) return upload_out_of_memory(w, w->out * row_bytes, error);
  const char *packed = (const char *)record->view.buffer->contents + record->view.offset;
  upload_unpack(copy, (const uint16_t *)(const void *)packed, record->view.bytes / row_bytes, w);
  w->data = copy;
  w->dtype = metal_matrix_dtype(w);
  sd_status status = other->table->upload(other, w, error);
  w->data = NULL;
  free(copy);
  return status;
}

sd_status metal_upload_for_fallback(metal_backend *m, metal_weight *record, sd_error *error) {
  weight *w = &record->for_fallback;
  const backend_table *other = m->fallback.backend->table;
  if (w->packed) return SD_OK;
  if (record->view.buffer && !w->mapping && upload_is_matrix(w))
    return upload_matrix_again(m, record, error);
  if (record->view.buffer &&
      w->kind == WEIGHT_VECTOR) { /* the same numbers, and sure to be there */
    w->data = (const char *)record->view.buffer->contents + record->view.offset;
    w->dtype = SD_F32;
    w->mapping = NULL;
  }
  return other->upload(m->fallback.backend, w, error);
}

/* ---- the table's functions ---- */

sd_status metal_upload(backend *b, weight *w, sd_error *error) {
  metal_backend *m = metal_of(b);
  if (w->packed) return SD_OK;
  if (!w->data) return error_set(error, SD_BAD_MODEL, "%s has no data", w->name);
  if (!m->pending_count && !metal_is_idle(m)) return metal_refuse_busy(error);
  metal_weight *record = calloc(1, sizeof *record);
  if (!record) return upload_out_of_memory(w, (int64_t)sizeof *record, error);
  record->for_fallback = *w;
  sd_status status = SD_OK;
  if (!upload_goes_to_fallback(m, w)) status = upload_to_metal(m, record, w, error);
  if (!status && !record->view.buffer) status = metal_upload_for_fallback(m, record, error);
  if (status) {
    upload_close(m, record);
    return status;
  }
  w->packed = record;
  w->packed_bytes = record->view.buffer ? record->view.bytes : 0;
  w->packed_in_bf16 = w->in_bf16;
  w->packed_in_phases = w->in_phases;
  m->weight_bytes += w->packed_bytes;
  return upload_is_due(m) ? metal_end_uploads(m, error) : SD_OK;
}

void metal_drop(backend *b, weight *w) {
  metal_backend *m = metal_of(b);
  sd_error unread;
  metal_end_uploads(m, &unread);
  if (w->packed) upload_forget(m, w); /* else it was pending, and the GPU failed */
}
