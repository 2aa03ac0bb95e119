/**
 * DescribeLogDirs (key 35), v1 to v5: where the logs are, and how large each one is (KIP-113).
 * v2 flexible · v3 an error for the whole request · v4 the size of the volume (KIP-827) · v5 cordoned (KIP-1066).
 */
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type DescribeLogDirsRequest,
  type DescribeLogDirsResponse,
  type DescribeLogDirsTopic,
  describeLogDirsApi,
} from '../wire/messages/describe-log-dirs.ts'
import { type Call, type Handler, handler } from './handler.ts'

export const describeLogDirsHandler: Handler<DescribeLogDirsRequest, DescribeLogDirsResponse> = handler(
  describeLogDirsApi,
  {
    async handle(request, call) {
      const { path, totalBytes, usableBytes } = await call.replicas.volume()
      const directory = {
        errorCode: ErrorCode.NONE,
        logDir: path,
        topics: describe(request, call),
        totalBytes,
        usableBytes,
        isCordoned: false,
      }
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, results: [directory] }
    },

    fail: (_request, { code }) => ({ throttleTimeMs: 0, errorCode: code, results: [] }),
  },
)

/** Of what is asked for, all that is here; null asks for everything. Nobody asks for the same partition twice. */
function describe({ topics }: DescribeLogDirsRequest, call: Call): readonly DescribeLogDirsTopic[] {
  const wanted = new Map<string, Set<number> | null>()
  if (topics === null) for (const { name } of call.metadata.topics()) wanted.set(name, null)
  for (const { topic, partitions } of topics ?? []) {
    const indexes = wanted.get(topic) ?? new Set()
    for (const index of partitions) indexes.add(index)
    wanted.set(topic, indexes)
  }
  return Array.from(wanted, ([name, indexes]) => describeTopic(name, indexes, call)).filter(
    ({ partitions }) => partitions.length > 0,
  )
}

function describeTopic(name: string, indexes: ReadonlySet<number> | null, call: Call): DescribeLogDirsTopic {
  const topic = call.metadata.topic(name)
  const partitions = [...(indexes ?? topic?.partitions.keys() ?? [])].flatMap((partitionIndex) => {
    const partition = topic === undefined ? undefined : call.replicas.find(topic.id, partitionIndex)
    if (partition === undefined) return []
    return { partitionIndex, partitionSize: BigInt(partition.sizeBytes), offsetLag: 0n, isFutureKey: false }
  })
  return { name, partitions }
}
