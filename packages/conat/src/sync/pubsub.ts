export {
  PubSub,
  type PubSubEvents,
  type PubSubMessageInfo,
  type PubSubOptions,
} from "../pubsub/pubsub.ts";
