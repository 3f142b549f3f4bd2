"""Mistakes for kernels.metal, one each, and what a checked run must say of them."""

BARRIER = "  threadgroup_barrier(mem_flags::mem_threadgroup);\n"

# Name, kernel, text, what stands in its place, words of the finding.
MUTANTS = [
    (
        "no barrier after the sums are written",
        "row_norm_half",
        BARRIER + "  sum = lane",
        "  sum = lane",
        "threadgroup memory",
    ),
    (
        "a barrier for device memory where threadgroup memory was written",
        "row_norm_half",
        BARRIER + "  sum = lane",
        "  threadgroup_barrier(mem_flags::mem_device);\n  sum = lane",
        "race: threadgroup memory",
    ),
    (
        "a barrier of the simdgroup where the threadgroup is due",
        "row_norm_half",
        BARRIER + "  sum = lane",
        "  simdgroup_barrier(mem_flags::mem_threadgroup);\n  sum = lane",
        "threadgroup memory",
    ),
    (
        "sums of simdgroups that are not there",
        "row_norm_half",
        "lane < simd_groups ? sums[lane]",
        "lane < 4 ? sums[lane]",
        "uninitialized: threadgroup memory",
    ),
    (
        "past the end of a threadgroup array",
        "row_norm_half",
        "squares[simd_group] = square",
        "squares[simd_group + 3] = square",
        "out of bounds: write of 4 bytes",
    ),
    (
        "the wrong row",
        "row_norm_half",
        "out[row * args.width + i]",
        "out[(row + 1) * args.width + i]",
        "out of bounds: write of 2 bytes",
    ),
    (
        "rows that overlap",
        "row_norm_half",
        "out[row * args.width + i]",
        "out[row * args.width / 2 + i]",
        "race: buffer 'out'",
    ),
    (
        "a sum that not all lanes reach",
        "row_norm_half",
        "  sum = simd_sum(sum);",
        "  if (lane < 16) sum = simd_sum(sum);",
        "divergence",
    ),
    (
        "no barrier after clearing",
        "histogram",
        BARRIER + "  if (i < count)",
        "  if (i < count)",
        "threadgroup memory",
    ),
    (
        "threads that return before a barrier",
        "histogram",
        "  if (i < count) atomic",
        "  if (i >= count) return;\n  atomic",
        "barrier",
    ),
    (
        "a sum in device memory that is not atomic",
        "histogram",
        "if (n > 0) atomic_fetch_add_explicit(&counts[k], n, memory_order_relaxed);",
        "if (n > 0) ((device uint *)counts)[k] += n;",
        "race: buffer 'counts'",
    ),
    (
        "no barrier before the tiles are filled again",
        "matmul",
        "  " + BARRIER + "    for (ushort e = thread_index",
        "    for (ushort e = thread_index",
        "race: threadgroup memory",
    ),
    (
        "no barrier after the tiles are filled",
        "matmul",
        "  "
        + BARRIER
        + "    for (ushort i = 0; i < 2; i++)\n      for (ushort j = 0; j < 2; j++) {\n"
        "        simdgroup_half8x8",
        "    for (ushort i = 0; i < 2; i++)\n      for (ushort j = 0; j < 2; j++) {\n"
        "        simdgroup_half8x8",
        "threadgroup memory",
    ),
    (
        "no barrier between a matrix's store and its reading",
        "matmul",
        "stage[simd_group], 8);\n      simdgroup_barrier(mem_flags::mem_threadgroup);\n",
        "stage[simd_group], 8);\n",
        "threadgroup memory",
    ),
    (
        "all simdgroups share one stage",
        "matmul",
        "simdgroup_store(sums[i][j], stage[simd_group], 8)",
        "simdgroup_store(sums[i][j], stage[0], 8)",
        "threadgroup memory",
    ),
    (
        "no check of the last columns",
        "matmul",
        "row < args.rows && column < args.columns",
        "row < args.rows",
        "race: buffer 'out'",
    ),
    (
        "no check of the last rows of a",
        "matmul",
        "row0 + row < args.rows && k < args.depth",
        "k < args.depth",
        "out of bounds: read of 2 bytes",
    ),
    (
        "a matrix whose address differs between lanes",
        "matmul",
        "simdgroup_load(left, tile + (row_half + i * 8) * 8, 8)",
        "simdgroup_load(left, tile + (row_half + i * 8) * 8 + lane % 2, 8)",
        "arguments differ between lanes",
    ),
    (
        "a matrix operation that not all lanes reach",
        "matmul",
        "simdgroup_load(left,",
        "if (lane < 31) simdgroup_load(left,",
        "divergence",
    ),
    (
        "a tile past its end",
        "matmul",
        "threadgroup half *b_tile = tile + 32 * 8",
        "threadgroup half *b_tile = tile + 33 * 8",
        "out of bounds: write of 2 bytes",
    ),
    (
        "a value of a lane that is not there",
        "lanes",
        "simd_broadcast(v, 7)",
        "simd_broadcast(v, 35)",
        "lane that is not active",
    ),
]
