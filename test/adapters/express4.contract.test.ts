// @ts-expect-error Express 4 comes without types; the adapter's are those of Express 5.
import express from 'express4'
import { describeAdapterContract } from './contract.js'
import { expressHarness } from './express-harness.js'

describeAdapterContract(expressHarness('Express 4', express))
