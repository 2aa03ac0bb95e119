/** What the broker of a Streams test lets through: members that are killed are not waited for long. */
export const BROKER_CONFIG: Readonly<Record<string, string>> = { 'group.min.session.timeout.ms': '1000' }
