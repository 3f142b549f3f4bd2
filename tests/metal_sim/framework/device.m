/* The device: one Apple GPU, of a family that MTLSIM_FAMILY names. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "objects.h"

static const uint64_t gibibyte = 1ull << 30;

@interface SimDevice : NSObject <MTLDevice> {
 @public
  MTLArchitecture *_architecture;
  BOOL _maximizes;
}
@end

@implementation SimDevice
@synthesize shouldMaximizeConcurrentCompilation = _maximizes;

- (instancetype)init {
  if ((self = [super init])) _architecture = [[MTLArchitecture alloc] init];
  return self;
}
- (NSString *)name {
  return @"Metal simulator";
}
- (uint64_t)registryID {
  return 0x51D;
}
- (MTLArchitecture *)architecture {
  return _architecture;
}
- (BOOL)hasUnifiedMemory {
  return YES;
}
- (uint64_t)recommendedMaxWorkingSetSize {
  return (uint64_t)sim_setting("MTLSIM_WORKING_SET", (long)(8 * gibibyte));
}
- (NSUInteger)currentAllocatedSize {
  return (NSUInteger)sim_counted(SIM_ALLOCATED_BYTES);
}
- (NSUInteger)maxBufferLength {
  return (NSUInteger)sim_setting("MTLSIM_MAX_BUFFER", (long)(4 * gibibyte));
}
- (NSUInteger)maxThreadgroupMemoryLength {
  return MSL_THREADGROUP_BYTES;
}
- (MTLSize)maxThreadsPerThreadgroup {
  return MTLSizeMake(MSL_THREADS, MSL_THREADS, MSL_THREADS);
}
/* Apple7 is M1, Apple10 M5, which is the first whose Metal 4 tensors are fast. */
- (BOOL)supportsFamily:(MTLGPUFamily)family {
  long own = sim_setting("MTLSIM_FAMILY", 7);
  if (family == MTLGPUFamilyMetal4) return own >= 10;
  if (family >= MTLGPUFamilyApple6 && family <= MTLGPUFamilyApple10)
    return family <= (MTLGPUFamily)(1000 + own);
  return family == MTLGPUFamilyMac2 || family == MTLGPUFamilyCommon3 ||
         family == MTLGPUFamilyMetal3;
}
- (id<MTLCommandQueue>)newCommandQueue {
  SimQueue *queue = [[SimQueue alloc] init];
  queue->_device = [self retain];
  return queue;
}
- (id<MTLCommandQueue>)newCommandQueueWithMaxCommandBufferCount:(NSUInteger)count {
  sim_need(count > 0, "newCommandQueueWithMaxCommandBufferCount: 0");
  return [self newCommandQueue];
}

static bool refused(NSUInteger length) {
  const char *most = "";
  bool too_long = sim_fault("allocation_over", &most) && length > strtoul(most, NULL, 10);
  return sim_fault("allocation", NULL) || too_long;
}
- (id<MTLBuffer>)newBufferWithLength:(NSUInteger)length options:(MTLResourceOptions)options {
  return refused(length) ? nil : [SimBuffer newWithLength:length device:self options:options];
}
- (id<MTLBuffer>)newBufferWithBytes:(const void *)pointer
                             length:(NSUInteger)length
                            options:(MTLResourceOptions)options {
  SimBuffer *buffer = (SimBuffer *)[self newBufferWithLength:length options:options];
  if (buffer) memcpy(buffer->_memory, pointer, length);
  return buffer;
}
- (id<MTLBuffer>)newBufferWithBytesNoCopy:(void *)pointer
                                   length:(NSUInteger)length
                                  options:(MTLResourceOptions)options
                              deallocator:(void (^)(void *, NSUInteger))deallocator {
  if (refused(length)) return nil;
  return [SimBuffer newAround:pointer
                       length:length
                       device:self
                      options:options
                  deallocator:deallocator];
}
- (id<MTLLibrary>)newLibraryWithSource:(NSString *)source
                               options:(MTLCompileOptions *)options
                                 error:(NSError **)error {
  return sim_compile(source, options, error);
}

/* Of KERNEL:N the N, where it is this kernel; 0: no limit. */
static NSUInteger limit_of(const char *limit, const char *kernel) {
  const char *colon = strchr(limit, ':');
  const size_t length = colon ? (size_t)(colon - limit) : 0;
  if (colon && (strlen(kernel) != length || strncmp(limit, kernel, length))) return 0;
  return strtoul(colon ? colon + 1 : limit, NULL, 10);
}

static NSUInteger most_threads(const struct msl_kernel *kernel) {
  NSUInteger most = kernel->max_threads ? kernel->max_threads : MSL_THREADS;
  const char *limit = "";
  if (sim_fault("pipeline_threads", &limit)) {
    NSUInteger asked = limit_of(limit, kernel->name);
    most = asked && asked < most ? asked : most;
  }
  return most;
}
- (SimPipeline *)newPipeline:(SimFunction *)function
                       label:(NSString *)label
                       error:(NSError **)error {
  sim_need(function != nil, "newComputePipelineState: no function");
  if (sim_fault_of_kernel("pipeline", function->_kernel->name)) {
    if (error)
      *error = sim_error(MTLLibraryErrorDomain, MTLLibraryErrorInternal,
                         @"Compiler encountered an internal error");
    return nil;
  }
  SimPipeline *pipeline = [[SimPipeline alloc] init];
  pipeline->_function = [function retain];
  pipeline->_label = [label copy];
  pipeline->_maxThreads = most_threads(function->_kernel);
  return pipeline;
}
- (id<MTLComputePipelineState>)newComputePipelineStateWithFunction:(id<MTLFunction>)function
                                                             error:(NSError **)error {
  return [self newPipeline:(SimFunction *)function label:nil error:error];
}
- (id<MTLComputePipelineState>)
    newComputePipelineStateWithDescriptor:(MTLComputePipelineDescriptor *)descriptor
                                  options:(MTLPipelineOption)options
                               reflection:(MTLAutoreleasedComputePipelineReflection *)reflection
                                    error:(NSError **)error {
  sim_need(!(options & MTLPipelineOptionFailOnBinaryArchiveMiss), "no binary archives here");
  if (reflection) *reflection = nil;
  SimFunction *function = (SimFunction *)[descriptor computeFunction];
  SimPipeline *pipeline = [self newPipeline:function label:[descriptor label] error:error];
  NSUInteger most = [descriptor maxTotalThreadsPerThreadgroup];
  if (pipeline && most && most < pipeline->_maxThreads) pipeline->_maxThreads = most;
  return pipeline;
}
- (id<MTLResidencySet>)newResidencySetWithDescriptor:(MTLResidencySetDescriptor *)descriptor
                                               error:(NSError **)error {
  (void)error;
  SimResidencySet *set = [[SimResidencySet alloc] init];
  set->_label = [[descriptor label] copy];
  return set;
}
@end

static SimDevice *only_device;

static void make_device(void) {
  NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
  sim_install_blocks();
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  msl_configure(sim_setting("MTLSIM_CHECK", 0) != 0, (unsigned)sim_setting("MTLSIM_SEED", 1),
                (int)sim_setting("MTLSIM_WORKERS", processors < 8 ? processors : 8));
  sim_need(!sim_set_faults(getenv("MTLSIM_FAULT")), "MTLSIM_FAULT cannot be read");
  only_device = [[SimDevice alloc] init];
  [pool release];
}

void sim_wake(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_device);
}

id<MTLDevice> MTLCreateSystemDefaultDevice(void) {
  if (sim_setting("MTLSIM_NO_DEVICE", 0)) return nil;
  sim_wake();
  return [only_device retain];
}

NSArray *MTLCopyAllDevices(void) {
  id<MTLDevice> device = [(id)MTLCreateSystemDefaultDevice() autorelease];
  return [[NSArray alloc] initWithObjects:device, nil];
}
