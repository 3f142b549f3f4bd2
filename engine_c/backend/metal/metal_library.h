/* metal libraries and pipelines: what the start-up compiles, and its report. A library or pipeline
 * that fails is a row of the report and nothing worse. */
#ifndef METAL_LIBRARY_H
#define METAL_LIBRARY_H

#include "backend/metal/metal_device.h"

enum { METAL_LIBRARY_COUNT = 3 };

typedef struct metal_kernels {
  metal_library *libraries[METAL_LIBRARY_COUNT];
  metal_pipeline *pipelines[METAL_KERNEL_COUNT];
  char *logs[METAL_LIBRARY_COUNT + METAL_KERNEL_COUNT];
  sd_library_report library_rows[METAL_LIBRARY_COUNT];
  sd_pipeline_report pipeline_rows[METAL_KERNEL_COUNT];
} metal_kernels;

/* Compiles what this GPU can use of the sources, and makes every pipeline of metal_kernels.def, in
 * several threads: the driver's functions must allow that. 0: no memory. */
int metal_kernels_open(metal_kernels *k, const metal_device_table *driver, metal_device *device,
                       const sd_metal_source *sources, int32_t count);

/* The report of a kernel's library. */
sd_library_report *metal_kernels_library(metal_kernels *k, metal_kernel kernel);

/* Takes a pipeline out of use; `why`, which must outlive k, stands in the report. */
void metal_kernels_drop(metal_kernels *k, const metal_device_table *driver, metal_kernel kernel,
                        const char *why);

void metal_kernels_close(metal_kernels *k, const metal_device_table *driver);

#endif
