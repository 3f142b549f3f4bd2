/* What tests ask of the simulator beside Metal: faults on demand, counters, the machine's state.
   The backend must not include this. tests/metal_sim/simulator.py calls it through ctypes. */
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Faults, as the environment variable MTLSIM_FAULT has them: entries parted by ';'. An entry is
   NAME, NAME=KERNEL or NAME=NUMBER, and NAME@N for the N-th call from now on, once. NULL or ""
   clears.
     compile                newLibraryWithSource fails; compile=WORD: of a source that has the word
     compile_warning        it gives a library and an error object
     pipeline=KERNEL        newComputePipelineState of this kernel fails
     pipeline_threads=N     every pipeline has at most N threads; pipeline_threads=KERNEL:N, one has
     allocation             newBuffer gives nil
     allocation_over=BYTES  newBuffer gives nil for more than this
     wrong=KERNEL           this kernel's results are damaged
     internal timeout page_fault access_revoked out_of_memory device_removed
                            a command buffer ends with this error and runs nothing
   Returns 0; -1: an entry is not one of these, and none of them is taken. */
int metal_sim_set_faults(const char *faults);

/* A counter by name; -1: no such counter. Waits until the GPU is idle, so that what it held is let
   go; not for completion handlers.
     live_buffers live_libraries live_functions live_pipelines live_queues live_command_buffers
     live_encoders live_residency_sets        objects that somebody still retains
     allocated_bytes                          of live buffers made with newBufferWithLength
     libraries_compiled command_buffers dispatches barriers threadgroups   since the start
     bytes_read bytes_written                 of device memory by kernels, in checked runs
   */
int64_t metal_sim_counter(const char *name);

/* Memory pressure for dispatch sources: DISPATCH_MEMORYPRESSURE_NORMAL, _WARN or _CRITICAL. */
void metal_sim_memory_pressure(unsigned long level);

/* How kernels run from now on: checked or not (of libraries compiled from now on), the seed of a
   checked run's order, and how many threads a plain run takes. Nothing may be running. At first
   they are what MTLSIM_CHECK, MTLSIM_SEED and MTLSIM_WORKERS say. */
void metal_sim_set_mode(int check, unsigned seed, int workers);

/* What NSProcessInfo says from now on: thermal state 0 to 3, low-power mode 0 or 1. */
void metal_sim_set_power(int thermal_state, int low_power);

#ifdef __cplusplus
}
#endif
