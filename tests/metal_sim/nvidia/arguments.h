/* The one parameter of every kernel on an NVIDIA GPU; the host fills it for each launch. */
#ifndef NVIDIA_ARGUMENTS_H
#define NVIDIA_ARGUMENTS_H
#include <stdint.h>

typedef struct msl_nvidia_arguments {
  uint64_t buffers[31];             /* addresses on the device, 0: not bound */
  uint32_t threadgroup_offsets[31]; /* into the block's dynamic shared memory */
  uint32_t grid[3];                 /* in threads */
} msl_nvidia_arguments;

#endif
