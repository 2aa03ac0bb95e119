/** DescribeCluster (key 60), v0 to v2. v1 kind of endpoint (KIP-919) · v2 fenced brokers (KIP-1073). */
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type DescribeClusterRequest,
  type DescribeClusterResponse,
  describeClusterApi,
} from '../wire/messages/describe-cluster.ts'
import { CLUSTER_OPERATIONS, NOT_ASKED } from './authorized-operations.ts'
import { type Handler, handler } from './handler.ts'
import { nodesOf } from './nodes.ts'

const EndpointType = { BROKER: 1, CONTROLLER: 2 } as const

export const describeClusterHandler: Handler<DescribeClusterRequest, DescribeClusterResponse> = handler(
  describeClusterApi,
  {
    handle(request, call) {
      checkEndpointType(request.endpointType)
      return {
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
        clusterId: call.metadata.clusterId,
        controllerId: call.brokerId,
        brokers: nodesOf(call).map(({ nodeId, host, port, rack }) => ({
          brokerId: nodeId,
          host,
          port,
          rack,
          isFenced: false,
        })),
        clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
          ? CLUSTER_OPERATIONS
          : NOT_ASKED,
      }
    },

    fail(_request, error) {
      return {
        throttleTimeMs: 0,
        errorCode: error.code,
        errorMessage: error.message,
        clusterId: '',
        brokers: [],
      }
    },
  },
)

function checkEndpointType(type: number): void {
  if (type === EndpointType.BROKER) return
  if (type === EndpointType.CONTROLLER) {
    throw new KafkaError(
      ErrorCode.MISMATCHED_ENDPOINT_TYPE,
      'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER',
    )
  }
  throw new KafkaError(ErrorCode.UNSUPPORTED_ENDPOINT_TYPE, `Unsupported endpoint type ${type}`)
}
