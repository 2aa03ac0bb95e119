/** How the records of the metadata log change what a broker has told of itself. */
import type { BrokerRegistrationChangeRecord } from '../wire/metadata-records/broker-registration-change-record.ts'
import type { FenceBrokerRecord } from '../wire/metadata-records/fence-broker-record.ts'
import type { RegisterBrokerRecord } from '../wire/metadata-records/register-broker-record.ts'
import type { UnfenceBrokerRecord } from '../wire/metadata-records/unfence-broker-record.ts'

type BrokerChange =
  | { readonly name: 'BrokerRegistrationChangeRecord'; readonly value: BrokerRegistrationChangeRecord }
  | { readonly name: 'FenceBrokerRecord'; readonly value: FenceBrokerRecord }
  | { readonly name: 'UnfenceBrokerRecord'; readonly value: UnfenceBrokerRecord }

export function changedBroker(
  before: RegisterBrokerRecord,
  { name, value }: BrokerChange,
): RegisterBrokerRecord {
  switch (name) {
    case 'FenceBrokerRecord':
      return { ...before, fenced: true }
    case 'UnfenceBrokerRecord':
      return { ...before, fenced: false }
    case 'BrokerRegistrationChangeRecord': {
      const { fenced, inControlledShutdown, logDirs, cordonedLogDirs } = value
      return {
        ...before,
        // -1 takes it away, 1 puts it on, 0 leaves it as it is.
        fenced: fenced === 0 ? before.fenced : fenced > 0,
        inControlledShutdown:
          inControlledShutdown === 0 ? before.inControlledShutdown : inControlledShutdown > 0,
        logDirs: logDirs.length === 0 ? before.logDirs : logDirs,
        cordonedLogDirs: cordonedLogDirs ?? before.cordonedLogDirs,
      }
    }
  }
}
