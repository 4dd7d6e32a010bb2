// How sure somebody is, for people.

export const percent = (confidence: number) => `${Math.round(confidence * 100)} %`;
