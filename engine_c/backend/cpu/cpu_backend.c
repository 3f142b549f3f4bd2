/* cpu backend: owns the pool, the arena, the workspaces and packed weights, and runs nodes one
 * after the other. Which operators there are is said by ops.def alone. */
#include "backend/cpu/cpu_backend.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "graph/weights.h"

enum { CPU_OWN_PAGES_BYTES = 1 << 16 };

typedef void (*cpu_function)(cpu_backend *cpu, const node *n);

static const cpu_function CPU_FUNCTIONS[OP_COUNT] = {
#define OP(name, tensors, function, metal, tolerance) function,
#include "graph/ops.def"
#undef OP
};

static cpu_backend *cpu_of(backend *b) { return (cpu_backend *)b; }

static void cpu_free_arena(cpu_backend *cpu) {
  if (cpu->arena_bytes) arena_pages_free(cpu->arena, (size_t)cpu->arena_bytes);
  cpu->arena = NULL;
  cpu->arena_bytes = 0;
}

static int64_t cpu_workspace_bytes(const backend *b) {
  const cpu_backend *cpu = (const cpu_backend *)b;
  return (int64_t)threads_count(cpu->pool) * CPU_WORKSPACE_BYTES;
}

static void cpu_close(backend *b) {
  cpu_backend *cpu = cpu_of(b);
  if (cpu->pool) arena_pages_free(cpu->workspaces, (size_t)cpu_workspace_bytes(b));
  threads_close(cpu->pool);
  cpu_free_arena(cpu);
  free(cpu);
}

static void cpu_device_name(char *out, size_t size) {
  snprintf(out, size, "CPU");
#if defined(__x86_64__)
  unsigned words[12];
  for (unsigned i = 0; i < 3; i++) {
    unsigned *w = words + 4 * i;
    __asm__("cpuid"
            : "=a"(w[0]), "=b"(w[1]), "=c"(w[2]), "=d"(w[3])
            : "a"(0x80000002u + i), "c"(0));
  }
  snprintf(out, size, "%.48s", (const char *)words);
  for (size_t end = strlen(out); end && out[end - 1] == ' ';) out[--end] = 0;
#elif defined(__aarch64__)
  snprintf(out, size, "arm64 processor");
#endif
}

static void cpu_device(sd_device_info *out, const backend *b) {
  const cpu_backend *cpu = (const cpu_backend *)b;
  *out = (sd_device_info){.backend = "cpu", .threads = threads_count(cpu->pool)};
  cpu_device_name(out->device, sizeof out->device);
  snprintf(out->instructions, sizeof out->instructions, "%s", cpu->isa->name);
  out->allocated_bytes = cpu->arena_bytes + cpu->weight_bytes + cpu_workspace_bytes(b);
}

static void cpu_report(sd_report *out, const backend *b) {
  (void)b;
  *out = (sd_report){0};
}

static void cpu_condition(sd_condition *out, const backend *b) {
  const cpu_backend *cpu = (const cpu_backend *)b;
  *out = (sd_condition){.allocated_bytes =
                            cpu->arena_bytes + cpu->weight_bytes + cpu_workspace_bytes(b)};
}

static const char *cpu_served_by(const backend *b, op_kind op) {
  (void)b, (void)op;
  return "cpu";
}

static const char *cpu_cannot_store(const backend *b, sd_dtype dtype) {
  (void)b;
  const int is_known = dtype == SD_F32 || dtype == SD_F16 || dtype == SD_BF16;
  return is_known ? NULL : "precision must be f32, f16 or bf16";
}

static int64_t cpu_weight_bytes(const backend *b, const weight *w) {
  return cpu_pack_bytes((const cpu_backend *)b, w);
}

/* Large weights take pages of their own, so that freeing them gives the memory back. */
static void *cpu_take_weight(int64_t bytes) {
  if (bytes >= CPU_OWN_PAGES_BYTES) return arena_pages((size_t)bytes);
  void *taken = NULL;
  return posix_memalign(&taken, 64, (size_t)bytes) ? NULL : taken;
}

static void cpu_free_weight(void *packed, int64_t bytes) {
  if (bytes >= CPU_OWN_PAGES_BYTES)
    arena_pages_free(packed, (size_t)bytes);
  else
    free(packed);
}

static sd_status cpu_upload(backend *b, weight *w, sd_error *error) {
  cpu_backend *cpu = cpu_of(b);
  int64_t bytes = cpu_pack_bytes(cpu, w);
  if (w->packed || !bytes) return SD_OK;
  if (!w->data) return error_set(error, SD_BAD_MODEL, "%s has no data", w->name);
  void *packed = cpu_take_weight(bytes);
  if (!packed)
    return error_set(error, SD_OUT_OF_MEMORY, "no memory for the weights (%.1f MB more)",
                     (double)bytes / 1e6);
  cpu_pack(cpu, w, packed);
  if (atomic_load(b->stop)) { /* the pool may have left items out */
    cpu_free_weight(packed, bytes);
    return error_set(error, SD_CANCELLED, "cancelled");
  }
  if (w->mapping) arena_drop_mapped(w->mapping, (size_t)w->mapping_bytes);
  w->packed = packed;
  w->packed_bytes = bytes;
  w->packed_in_bf16 = w->in_bf16;
  w->packed_in_phases = w->in_phases;
  cpu->weight_bytes += bytes;
  return SD_OK;
}

static void cpu_drop(backend *b, weight *w) {
  cpu_of(b)->weight_bytes -= w->packed_bytes;
  cpu_free_weight(w->packed, w->packed_bytes);
  w->packed = NULL;
  w->packed_bytes = 0;
}

static sd_status cpu_reserve(backend *b, int64_t bytes, sd_error *error) {
  cpu_backend *cpu = cpu_of(b);
  if (bytes && bytes <= cpu->arena_bytes) return SD_OK;
  cpu_free_arena(cpu);
  if (!bytes) return SD_OK;
  cpu->arena = arena_pages((size_t)bytes);
  if (!cpu->arena)
    return error_set(error, SD_OUT_OF_MEMORY,
                     "no memory for a picture of this size (%.1f MB): make it smaller",
                     (double)bytes / 1e6);
  cpu->arena_bytes = bytes;
  return SD_OK;
}

void cpu_backend_borrow(backend *b, void *memory) {
  cpu_backend *cpu = cpu_of(b);
  cpu_free_arena(cpu);
  cpu->arena = memory;
}

static void *cpu_tensor_address(backend *b, const tensor *t) { return cpu_address(cpu_of(b), t); }

static sd_status cpu_run(backend *b, const graph *g, run_report *report, sd_error *error) {
  cpu_backend *cpu = cpu_of(b);
  atomic_store(&cpu->bad_node, INT_MAX);
  for (int32_t i = 0; i < g->node_count && !atomic_load(b->stop); i++) {
    cpu->node_index = i;
    CPU_FUNCTIONS[g->nodes[i].op](cpu, &g->nodes[i]);
  }
  int bad = atomic_load(&cpu->bad_node);
  report->bad_node = bad == INT_MAX ? -1 : bad;
  if (atomic_load(b->stop)) return error_set(error, SD_CANCELLED, "cancelled");
  return SD_OK;
}

static const backend_table CPU_TABLE = {
    .close = cpu_close,
    .device = cpu_device,
    .report = cpu_report,
    .condition = cpu_condition,
    .served_by = cpu_served_by,
    .cannot_store = cpu_cannot_store,
    .weight_bytes = cpu_weight_bytes,
    .upload = cpu_upload,
    .drop = cpu_drop,
    .workspace_bytes = cpu_workspace_bytes,
    .reserve = cpu_reserve,
    .address = cpu_tensor_address,
    .run = cpu_run,
};

static const cpu_isa *cpu_choose_isa(int32_t wanted) {
  const cpu_isa *best = NULL;
  if (wanted >= 0) {
    best = cpu_isa_row(wanted);
    return best && best->usable() ? best : NULL;
  }
  for (int32_t i = 0; cpu_isa_row(i); i++)
    if (cpu_isa_row(i)->usable()) best = cpu_isa_row(i);
  return best;
}

sd_status cpu_backend_open(backend **out, int32_t threads, int32_t isa, const atomic_int *stop,
                           sd_error *error) {
  *out = NULL;
  const cpu_isa *row = cpu_choose_isa(isa);
  if (!row) return error_set(error, SD_BAD_ARGUMENT, "this processor lacks that instruction set");
  if (threads < 0 || threads > 1024)
    return error_set(error, SD_BAD_ARGUMENT, "threads must be 1 to 1024, or 0 for all processors");
  cpu_backend *cpu = calloc(1, sizeof *cpu);
  if (!cpu) return error_set(error, SD_OUT_OF_MEMORY, "no memory for the CPU backend");
  cpu->base = (backend){&CPU_TABLE, stop};
  cpu->isa = row;
  cpu->pool = threads_open(threads ? threads : threads_processors(), stop);
  if (cpu->pool) cpu->workspaces = arena_large_pages((size_t)cpu_workspace_bytes(&cpu->base));
  if (!cpu->workspaces) {
    cpu_close(&cpu->base);
    return error_set(error, SD_OUT_OF_MEMORY, "no memory for the CPU backend");
  }
  *out = &cpu->base;
  return SD_OK;
}
