/* The simulator's classes, as its own files see them. Host code knows Metal/Metal.h alone. */
#pragma once
#import <Metal/Metal.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "metal_sim/metal_sim.h"
#include "runtime.h"

typedef enum {
  SIM_LIVE_BUFFERS,
  SIM_LIVE_LIBRARIES,
  SIM_LIVE_FUNCTIONS,
  SIM_LIVE_PIPELINES,
  SIM_LIVE_QUEUES,
  SIM_LIVE_COMMAND_BUFFERS,
  SIM_LIVE_ENCODERS,
  SIM_LIVE_RESIDENCY_SETS,
  SIM_ALLOCATED_BYTES,
  SIM_LIBRARIES_COMPILED,
  SIM_COMMAND_BUFFERS,
  SIM_DISPATCHES,
  SIM_BARRIERS,
  SIM_THREADGROUPS,
  SIM_COUNTERS
} sim_counter;

/* Takes over what the environment says, once: what a test says comes after it. */
void sim_wake(void);
int sim_set_faults(const char *faults); /* as metal_sim_set_faults, without waking */

void sim_count(sim_counter counter, int64_t change);
int64_t sim_counted(sim_counter counter);

/* Whether a fault that a test asked for happens now; `value` is what stands after its '='. */
bool sim_fault(const char *name, const char **value);
/* The same, for faults whose value names a kernel. */
bool sim_fault_of_kernel(const char *name, const char *kernel);

/* What Metal's validation layer stops is stopped here: a sentence, and abort(). */
void sim_need(bool condition, const char *format, ...) __attribute__((format(printf, 2, 3)));
NSError *sim_error(NSString *domain, NSInteger code, NSString *text);
long sim_setting(const char *name, long otherwise); /* an MTLSIM_ variable's number */

void sim_install_blocks(void); /* makes blocks objects; before the first one is copied */

/* The GPU: a thread that runs committed command buffers in their order. */
@class SimCommandBuffer;
void sim_submit(SimCommandBuffer *buffer);
void sim_wait_until_idle(void);

@interface SimBuffer : NSObject <MTLBuffer> {
 @public
  NSString *_label;
  id<MTLDevice> _device;
  void *_memory;
  NSUInteger _length;
  BOOL _adopted;
  MTLPurgeableState _purgeable;
  void (^_deallocator)(void *, NSUInteger);
  atomic_int _borrowed; /* retained by command buffers that promised not to */
}
+ (SimBuffer *)newWithLength:(NSUInteger)length
                      device:(id<MTLDevice>)device
                     options:(MTLResourceOptions)options;
+ (SimBuffer *)newAround:(void *)memory
                  length:(NSUInteger)length
                  device:(id<MTLDevice>)device
                 options:(MTLResourceOptions)options
             deallocator:(void (^)(void *, NSUInteger))deallocator;
@end

@interface SimResidencySet : NSObject <MTLResidencySet> {
 @public
  NSString *_label;
  NSMutableArray *_allocations;
}
@end

@interface SimLibrary : NSObject <MTLLibrary> {
 @public
  NSString *_label;
  void *_handle;
  const struct msl_library *_contents;
}
@end
SimLibrary *sim_compile(NSString *source, MTLCompileOptions *options, NSError **error);

@interface SimFunction : NSObject <MTLFunction> {
 @public
  NSString *_label;
  SimLibrary *_library;
  int _index;
  const struct msl_kernel *_kernel;
  NSDictionary *_values;
}
- (void)setConstants; /* the library's function constants become this function's */
@end

@interface SimPipeline : NSObject <MTLComputePipelineState> {
 @public
  NSString *_label;
  SimFunction *_function;
  NSUInteger _maxThreads;
}
@end

@interface SimQueue : NSObject <MTLCommandQueue> {
 @public
  NSString *_label;
  id<MTLDevice> _device;
}
@end

/* One recorded command: a dispatch, or the order that a barrier or a new encoder brings. */
typedef enum { SIM_DISPATCH, SIM_NEW_ENCODER, SIM_ORDER_ALL, SIM_ORDER_ONE } sim_command_kind;

@interface SimCommand : NSObject {
 @public
  sim_command_kind _kind;
  struct msl_dispatch _dispatch;
  SimPipeline *_pipeline;
  SimBuffer *_buffers[MSL_BUFFERS];
  void *_bytes[MSL_BUFFERS];
  NSUInteger _encoder; /* number of the encoder in its command buffer */
  BOOL _borrows;
}
- (void)bindBuffer:(SimBuffer *)buffer offset:(NSUInteger)offset atIndex:(int)index;
- (void)bindBytes:(NSData *)bytes atIndex:(int)index;
- (const char *)lostBuffer; /* the argument whose buffer the host has released meanwhile */
@end

@interface SimEncoderInfo : NSObject <MTLCommandBufferEncoderInfo> {
 @public
  NSString *_label;
  NSMutableArray *_signposts;
  MTLCommandEncoderErrorState _state;
}
@end

@interface SimEncoder : NSObject <MTLComputeCommandEncoder> {
 @public
  SimCommandBuffer *_commandBuffer;
  SimEncoderInfo *_info;
  NSUInteger _number;
  SimPipeline *_pipeline;
  SimBuffer *_buffers[MSL_BUFFERS];
  NSUInteger _offsets[MSL_BUFFERS];
  NSData *_bytes[MSL_BUFFERS];
  uint32_t _threadgroupBytes[MSL_BUFFERS];
  BOOL _ended, _concurrent;
  int _groups; /* debug groups that are open */
}
- (SimCommand *)record:(sim_command_kind)kind;
@end

@interface SimCommandBuffer : NSObject <MTLCommandBuffer> {
 @public
  NSString *_label;
  SimQueue *_queue;
  NSMutableArray *_commands, *_handlers, *_infos;
  BOOL _borrows, _wantsInfo, _encoding;
  BOOL _followsAll; /* all that was committed before had ended: the host has waited */
  MTLCommandBufferStatus _status;
  NSError *_error;
  double _start, _end;
  pthread_mutex_t _mutex;
  pthread_cond_t _finished;
  BOOL _handlersDone;
}
- (instancetype)initWithQueue:(SimQueue *)queue retains:(BOOL)retains wantsInfo:(BOOL)wantsInfo;
- (void)run; /* on the GPU's thread */
@end
