// @ts-expect-error Koa 2 comes without types; the adapter's are those of Koa 3.
import Koa from 'koa2'
import { describeAdapterContract } from './contract.js'
import { koaHarness } from './koa-harness.js'

describeAdapterContract(koaHarness('Koa 2', Koa))
