/** Valid requests of every API and version that is served, made from the protocol's own definitions. */
import { readFileSync } from 'node:fs'
import type { AnyHandler } from '../../handlers/handler.ts'
import { BatchField, setCrc } from '../../wire/batch.ts'
import { ZERO_UUID } from '../../wire/reader.ts'
import { frameOf } from '../raw-client.suite.ts'
import { Chance } from './chance.suite.ts'

/** Names that the broker under test knows, so that requests get somewhere. */
export interface World {
  readonly topic: string
  readonly topicId: string
}

/** One request for each API and version that the handlers serve, without the size in front. */
export function requestFrames(handlers: readonly AnyHandler[], world: World, seed = 1): Buffer[] {
  const frames: Buffer[] = []
  for (const { api } of handlers) {
    if (api.advertised === null) continue
    const definition = definitionOf(api.name)
    const [first, last] = [
      Math.max(api.versions[0], api.advertised[0]),
      Math.min(api.versions[1], api.advertised[1]),
    ]
    for (let version = first; version <= last; version++) {
      const maker = new Maker(definition, version, world, new Chance(seed * 1_000 + version))
      frames.push(frameOf(api, version, maker.struct(definition.fields), 1_000 + frames.length).subarray(4))
    }
  }
  return frames
}

interface Field {
  readonly name: string
  readonly type: string
  readonly versions: string
  readonly nullableVersions?: string
  readonly default?: string | number | boolean
  readonly entityType?: string
  readonly fields?: readonly Field[]
}

interface Definition {
  readonly name: string
  readonly fields: readonly Field[]
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly Field[] }[]
}

function definitionOf(apiName: string): Definition {
  const path = new URL(`../../../protocol/messages/${apiName}Request.json`, import.meta.url)
  return JSON.parse(readFileSync(path, 'utf8'))
}

class Maker {
  readonly #definition: Definition
  readonly #version: number
  readonly #world: World
  readonly #chance: Chance

  constructor(definition: Definition, version: number, world: World, chance: Chance) {
    this.#definition = definition
    this.#version = version
    this.#world = world
    this.#chance = chance
  }

  struct(fields: readonly Field[]): Record<string, unknown> {
    const value: Record<string, unknown> = {}
    for (const field of fields) {
      const name = (field.name[0] as string).toLowerCase() + field.name.slice(1)
      if (within(field.versions, this.#version)) value[name] = this.#value(field)
    }
    return value
  }

  #value(field: Field): unknown {
    const known = this.#known(field)
    if (known !== undefined) return known
    if (within(field.nullableVersions ?? 'none', this.#version) && this.#chance.below(8) === 0) return null
    if (!field.type.startsWith('[]')) return this.#single(field, field.type)
    return Array.from({ length: 1 + this.#chance.below(2) }, () => this.#single(field, field.type.slice(2)))
  }

  #single(field: Field, type: string): unknown {
    const chance = this.#chance
    switch (type) {
      case 'string':
        return this.#text(field)
      case 'bool':
        return chance.below(2) === 1
      case 'int8':
      case 'int16':
      case 'int32':
      case 'uint16':
      case 'uint32':
        return chance.below(3)
      case 'int64':
        return BigInt(chance.below(3))
      case 'float64':
        return 0.5
      case 'uuid':
        return field.name === 'TopicId' && !this.#deletes ? this.#world.topicId : ZERO_UUID
      case 'bytes':
        return Buffer.from('000100000001000466757a7a00000000', 'hex')
      default:
        return this.struct(field.fields ?? this.#commonStruct(type))
    }
  }

  #text(field: Field): string {
    if (field.entityType === 'topicName')
      return this.#chance.below(4) === 0 ? 'other-topic' : this.#world.topic
    if (field.entityType === 'groupId' || /^(Groups?|Key|CoordinatorKeys|GroupsNames)$/.test(field.name)) {
      return this.#chance.pick(['group', 'other-group'])
    }
    return this.#chance.pick(['', 'a', 'fuzz', 'consumer', 'range'])
  }

  /** The topic that all the other requests are about has to stay. */
  get #deletes(): boolean {
    return this.#definition.name === 'DeleteTopicsRequest'
  }

  /** Values without which a request would be turned away at the door. */
  #known({ name, type, entityType, nullableVersions = 'none' }: Field): unknown {
    switch (name) {
      case 'TransactionalId':
      case 'V3AndBelowTransactionalId':
        return within(nullableVersions, this.#version) ? this.#chance.pick([null, 'fuzz']) : 'fuzz'
      case 'GroupInstanceId':
      case 'ClusterId':
        return null
      case 'IsolationLevel':
        return this.#chance.below(2)
      case 'Acks':
        return this.#chance.pick([-1, 1, -1, 1, 0])
      case 'Records':
        return recordBatch(1 + this.#chance.below(3))
      case 'ProtocolType':
        return 'consumer'
      case 'MemberId':
        return ''
      case 'SessionTimeoutMs':
      case 'RebalanceTimeoutMs':
        return 10_000
      case 'MaxWaitMs':
      case 'MinBytes':
        return 100
      case 'TimeoutMs':
      case 'timeoutMs':
        return 1_000
      case 'MaxBytes':
      case 'PartitionMaxBytes':
        return 100_000
      case 'NumPartitions':
      case 'Count':
        return 4
      case 'ReplicationFactor':
        return -1
      case 'Assignments':
        return type === '[]SyncGroupRequestAssignment' ? undefined : []
      case 'Configs':
        return []
      case 'ResourceType':
        return 2
      case 'ReplicaId':
      case 'CurrentLeaderEpoch':
      case 'GenerationId':
      case 'GenerationIdOrMemberEpoch':
        return -1
      case 'ClientSoftwareName':
      case 'ClientSoftwareVersion':
        return 'fuzz'
      default:
        if (entityType !== 'brokerId') return undefined
        return type.startsWith('[]') ? [1] : 1
    }
  }

  #commonStruct(name: string): readonly Field[] {
    const struct = this.#definition.commonStructs?.find((common) => common.name === name)
    if (struct === undefined) throw new Error(`the definition has no struct ${name}`)
    return struct.fields
  }
}

/** Whether a version lies in a range as definitions put it: `3`, `3+`, `3-5`, `none`. */
function within(range: string, version: number): boolean {
  if (range === 'none') return false
  const [first, last] = range.endsWith('+') ? [range.slice(0, -1), '32767'] : range.split('-')
  return version >= Number(first) && version <= Number(last ?? first)
}

/** A batch of a few records, uncompressed. */
export function recordBatch(count: number): Buffer {
  const record = (delta: number): Buffer =>
    Buffer.from([0x12, 0, 0, delta * 2, 0x02, 0x6b, 0x04, 0x76, 0x76, 0x00])
  const records = Buffer.concat(Array.from({ length: count }, (_, delta) => record(delta)))
  const batch = Buffer.alloc(BatchField.RECORDS + records.length)
  batch.writeInt32BE(batch.length - 12, BatchField.BATCH_LENGTH)
  batch.writeInt32BE(-1, BatchField.PARTITION_LEADER_EPOCH)
  batch[BatchField.MAGIC] = 2
  batch.writeInt32BE(count - 1, BatchField.LAST_OFFSET_DELTA)
  batch.writeBigInt64BE(TIMESTAMP_MS, BatchField.BASE_TIMESTAMP)
  batch.writeBigInt64BE(TIMESTAMP_MS, BatchField.MAX_TIMESTAMP)
  batch.writeBigInt64BE(-1n, BatchField.PRODUCER_ID)
  batch.writeInt16BE(-1, BatchField.PRODUCER_EPOCH)
  batch.writeInt32BE(-1, BatchField.BASE_SEQUENCE)
  batch.writeInt32BE(count, BatchField.RECORDS_COUNT)
  records.copy(batch, BatchField.RECORDS)
  setCrc(batch)
  return batch
}

/** What a ManualClock says at first. */
const TIMESTAMP_MS = BigInt(Date.UTC(2026, 0, 1))
