/** The codecs that kafkajs leaves to plug-ins, made of ottla's own. */
export function registerCodecs(): void {}
